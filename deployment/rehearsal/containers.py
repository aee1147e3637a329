"""The services of docker-compose.yml as processes."""

import hashlib
import http.client
import os
import pathlib
import pwd
import re
import shlex
import signal
import subprocess

import yaml

from asking import curl
from waiting import PATIENCE, check, free_port, until

DOCKER = pathlib.Path(__file__).parents[1] / "docker"


def interpolated(value):
    """What Compose reads where there is no .env: every variable at its default."""
    if isinstance(value, dict):
        return {key: interpolated(member) for key, member in value.items()}
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda found: found[1] or "", value)
    return value


class Containers:
    """The processes in place of containers, and where the name, port and folder of each is here."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        services = interpolated(yaml.safe_load((DOCKER / "docker-compose.yml").read_text())["services"])
        self.services = {name: service for name, service in services.items() if "profiles" not in service}
        self.ports = {name: free_port() for name in ("postgres", "redis", "minio")}
        self.api_ports = [free_port(), free_port()]
        self.secrets = self.folder("secrets")
        self.running = {}
        # PostgreSQL refuses to run as root.
        self.database_user = None
        if os.getuid() == 0:
            users = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
            self.database_user = users.get("postgres", users["nobody"])

    def folder(self, name):
        path = self.work / name
        path.mkdir()
        return path

    def here(self, text):
        """A text of the compose file with the places of this machine."""
        for name, inside in (("postgres", 5432), ("redis", 6379), ("minio", 9000)):
            text = text.replace(f"{name}:{inside}", f"127.0.0.1:{self.ports[name]}")
        return text.replace("/run/aam-registry", str(self.secrets)).replace("$$", "$")

    def environment(self, service, **more):
        names = ("PATH", "HOME") if service in ("generate-secrets", "postgres") else ("PATH",)
        environment = {name: os.environ[name] for name in names if name in os.environ}
        variables = self.services[service].get("environment", {})
        environment.update({name: self.here(str(value)) for name, value in variables.items()})
        return environment | {name: str(value) for name, value in more.items()}

    def command(self, service):
        return [self.here(str(argument)) for argument in self.services[service]["command"]]

    def start(self, name, command, environment, user=None):
        log = open(self.work / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen(
            [str(argument) for argument in command], env=environment, cwd=self.work, user=user,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )

    def run(self, command, environment, user=None, given=None):
        done = subprocess.run(
            [str(argument) for argument in command], env=environment, cwd=self.work, user=user,
            input=given, capture_output=True, text=True, timeout=PATIENCE,
        )
        check(done.returncode == 0, f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def healthy(self, name, process, command, environment):
        def holds():
            check(self.running[process].poll() is None, f"{process} has ended")
            return subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE).returncode == 0

        until(f"{name} is healthy", holds)

    def stop(self, name, expected=0):
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        check(process.wait(PATIENCE) == expected, f"{name} ended with {process.returncode}")

    # The processes that replace the containers.

    def generate_secrets(self):
        entrypoint = self.services["generate-secrets"]["entrypoint"]
        check(entrypoint[:2] == ["/bin/sh", "/generate-secrets.sh"], "what makes the secrets is another script")
        self.run(["/bin/sh", DOCKER / "generate-secrets.sh", self.secrets], self.environment("generate-secrets"))
        url = self.secrets / "database-url"
        url.write_text(self.here(url.read_text()))

    def postgres(self):
        environment = self.environment("postgres", PGPORT=self.ports["postgres"])
        folder = self.folder("postgres")
        if self.database_user is not None:
            os.chown(folder, self.database_user, -1)
        # The entrypoint of the image does this in a new volume.
        arguments = shlex.split(environment["POSTGRES_INITDB_ARGS"])
        self.run(
            ["initdb", "-D", folder, "-U", environment["POSTGRES_USER"], "--auth-local=trust",
             "--auth-host=scram-sha-256", f"--pwfile={environment['POSTGRES_PASSWORD_FILE']}", *arguments],
            environment, self.database_user,
        )
        self.run(
            ["postgres", "--single", "-D", folder, "postgres"], environment, self.database_user,
            given=f"CREATE DATABASE {environment['POSTGRES_DB']}\n",
        )
        command = [*self.command("postgres"), "-D", folder, "-c", "listen_addresses=127.0.0.1"]
        command += ["-c", f"unix_socket_directories={folder}"]
        self.start("postgres", command, environment, self.database_user)
        shell, test = self.services["postgres"]["healthcheck"]["test"]
        check(shell == "CMD-SHELL", "the health of PostgreSQL is asked in another way")
        self.healthy("postgres", "postgres", ["/bin/sh", "-c", self.here(test)], environment)

    def redis(self):
        port = str(self.ports["redis"])
        self.start("redis", [*self.command("redis"), "--bind", "127.0.0.1", "--port", port], self.environment("redis"))
        _, client, *test = self.services["redis"]["healthcheck"]["test"]
        self.healthy("redis", "redis", [client, "-p", port, *test], self.environment("redis"))

    def minio(self):
        key, secret = self.store_credentials()
        command = [self.options.object_store, "--port", self.ports["minio"], "--root", self.folder("objects")]
        self.start("minio", [*command, "--access-key", key, "--secret-key", secret], self.environment("minio"))

        def answers():
            connection = http.client.HTTPConnection("127.0.0.1", self.ports["minio"], timeout=5)
            try:
                connection.request("GET", "/")
                return connection.getresponse().status < 500
            except OSError:
                check(self.running["minio"].poll() is None, "the object store has ended")
                return False

        until("minio is healthy", answers)

    def store_credentials(self):
        environment = self.environment("minio")
        password = pathlib.Path(environment["MINIO_ROOT_PASSWORD_FILE"]).read_text()
        return environment["MINIO_ROOT_USER"], password

    def create_bucket(self):
        # Instead of the client of MinIO.
        bucket = self.environment("create-bucket")["S3_BUCKET"]
        self.run(
            ["curl", "-fsS", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3", "-K", "-",
             # Older releases of curl sign this header but do not send it.
             "-H", f"x-amz-content-sha256: {hashlib.sha256().hexdigest()}",
             f"http://127.0.0.1:{self.ports['minio']}/{bucket}"],
            self.environment("create-bucket"), given='user = "{}:{}"\n'.format(*self.store_credentials()),
        )

    def migrate(self):
        environment = self.environment("migrate", DATA_DIR=self.work)
        check(
            subprocess.run([self.options.server, "migrate", "--check"], env=environment, capture_output=True).returncode,
            "a new database has the schema already",
        )
        for command in (self.command("migrate"), ["migrate", "--check"]):
            self.run([self.options.server, *command], environment)

    def api_environment(self, number):
        # All clients of the rehearsal have the same address.
        unlimited = {f"RATE_LIMIT_{of}": 0 for of in ("SEARCH", "DOWNLOAD", "PUBLISH", "AUTH", "OTHER")}
        folder = self.work / f"data-{number}"
        return self.environment("api", HOST="127.0.0.1", PORT=self.api_ports[number], DATA_DIR=folder, **unlimited)

    def one_api(self, number):
        environment = self.api_environment(number)
        self.start(f"api-{number}", [self.options.server, *self.command("api")], environment)
        # The health check of the image.
        self.healthy(f"api {number}", f"api-{number}", [self.options.server, "healthcheck"], environment)
        base = f"http://127.0.0.1:{self.api_ports[number]}"
        until(f"api {number} is ready", lambda: curl(f"{base}/ready").status == 200)
        for part in ("db", "storage", "cache"):
            answer = curl(f"{base}/health/{part}")
            check(answer.status == 200, f"api {number}: {part} is not well: {answer.body}")

    def api(self):
        for number in range(2):
            self.folder(f"data-{number}")
            self.one_api(number)

    def order(self):
        """The services in an order in which each comes after all it depends on."""
        order = []

        def visit(name):
            if name not in order:
                for needed in self.services[name].get("depends_on", {}):
                    visit(needed)
                order.append(name)

        # Start the API first, unless its dependencies require something before it.
        for name in sorted(self.services):
            visit(name)
        return order
