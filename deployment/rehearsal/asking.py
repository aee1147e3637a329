"""Requests by curl, and somebody outside who makes them."""

import json
import pathlib
import subprocess
import tempfile

from waiting import PATIENCE, check, until

HOST = "registry.example.com"
PACKAGES = pathlib.Path(__file__).parents[2] / "tests/fixtures"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def curl(url, *arguments, port=None, certificate=None):
    """One request; to the name of the example at a port of this machine where there is one."""
    with tempfile.TemporaryDirectory() as folder:
        body, head = pathlib.Path(folder, "body"), pathlib.Path(folder, "head")
        command = ["curl", "-sS", "-o", body, "-D", head, "-w", "%{http_code}", *arguments]
        if port:
            command += ["--connect-to", f"{HOST}:{80 if certificate is None else 443}:127.0.0.1:{port}"]
        if certificate:
            command += ["--cacert", certificate]
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=PATIENCE)
        headers = {}
        for line in head.read_text().splitlines() if head.exists() else []:
            name, colon, value = line.partition(": ")
            if colon:
                headers.setdefault(name.lower(), []).append(value.strip())
        return Answer(int(done.stdout or 0), headers, body.read_bytes() if body.exists() else b"")


class Visitor:
    """Somebody outside, who reaches the registry through a proxy."""

    def __init__(self, containers, name, ports):
        self.containers, self.name = containers, name
        self.plain, self.secure = ports
        until(f"{name} answers", lambda: self.get("/health").status == 200)

    def get(self, path, *arguments):
        return curl(
            f"https://{HOST}{path}", *arguments, port=self.secure, certificate=self.containers.work / "fullchain.pem"
        )

    def sees_https(self):
        answer = self.get("/health")
        check(
            answer.headers.get("strict-transport-security") == ["max-age=31536000; includeSubDomains"],
            f"{self.name}: Strict-Transport-Security is {answer.headers}",
        )
        redirect = curl(f"http://{HOST}/api/docs?a=b", port=self.plain)
        check(redirect.status in (301, 308), f"{self.name}: plain HTTP answers {redirect.status}")
        location = redirect.headers["location"]
        check(location[0].startswith("https://") and location[0].endswith("/api/docs?a=b"), f"{self.name}: {location}")

    def sees_no_metrics(self):
        check(self.get("/metrics").status == 404, f"{self.name}: /metrics can be read from outside")

    def cannot_lie_about_its_address(self):
        answer = self.get("/api/v1/packages", "-H", "X-Forwarded-For: 203.0.113.9")
        request = answer.headers["x-request-id"][0]
        logs = lambda: "".join((self.containers.work / f"api-{number}.log").read_text() for number in range(2))
        lines = lambda: [json.loads(line) for line in logs().splitlines() if request in line]
        until("the request is in the log", lines)
        addresses = {line.get("client_ip") for line in lines() if line["event"] == "request"}
        check(addresses == {"127.0.0.1"}, f"{self.name}: the registry believes that the client is {addresses}")

    def is_refused_in_words(self, token):
        # More than the registry accepts, and more than the proxy accepts.
        for size in (60 << 20, 101 << 20):
            large = self.containers.work / "large"
            with open(large, "wb") as file:
                file.truncate(size)

            def refused():
                answer = self.get(
                    "/api/v1/packages", "-H", f"Authorization: Bearer {token}", "-F", f"archive=@{large}"
                )
                check(answer.status == 413, f"{self.name}: {size} bytes are answered with {answer.status}")
                return size > 100 << 20 or b"payload_too_large" in answer.body

            # If the refusal comes before the upload has ended, a proxy may lose its text, but not
            # always.
            until(f"{self.name}: {size} bytes are refused by the registry", refused)
            large.unlink()

    def publishes(self, token, version):
        archive = PACKAGES / f"greet-kit-{version}.aam"
        answer = self.get("/api/v1/packages", "-H", f"Authorization: Bearer {token}", "-F", f"archive=@{archive}")
        check(answer.status == 201, f"{self.name}: the publish is answered with {answer.status} {answer.body}")
        path = f"/api/v1/packages/greet-kit/{version}"
        for number, port in enumerate(self.containers.api_ports):
            # Visible on the other API within a second.
            until(f"api {number} has it", lambda: curl(f"http://127.0.0.1:{port}{path}").status == 200)
            got = curl(f"http://127.0.0.1:{port}{path}/download", "-L")
            check(got.body == archive.read_bytes(), f"api {number} serves another archive")
        check(self.get(f"{path}/download", "-L").body == archive.read_bytes(), f"{self.name} hands on another archive")
