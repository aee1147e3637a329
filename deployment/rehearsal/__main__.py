"""Plays docker-compose.yml with real processes; `deployment/rehearse` runs this."""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import proxies
from asking import Visitor, curl
from containers import Containers
from waiting import Failed, check

PASSWORD = "correct horse battery staple"


def say(text):
    print(text, flush=True)


def administrator(containers):
    """As `docker compose exec api aam-registry create-admin` makes it; gives the token of its login."""
    environment = containers.api_environment(0)
    command = [containers.options.server, "create-admin", "--username", "admin", "--email", "admin@example.com"]
    containers.run(command, environment, given=PASSWORD)
    containers.run([containers.options.server, "migrate"], environment)
    answer = curl(
        f"http://127.0.0.1:{containers.api_ports[0]}/api/v1/users/login",
        "-H", "Content-Type: application/json",
        "-d", json.dumps({"username": "admin", "password": PASSWORD}),
    )
    check(answer.status == 200, f"the administrator cannot log in: {answer.status} {answer.body}")
    return json.loads(answer.body)["access_token"]


def roll(containers, visitor):
    """Replaces one API after the other while somebody goes on asking."""
    ended, faults, asked = threading.Event(), [], 0

    def ask():
        nonlocal asked
        while not ended.is_set():
            status = visitor.get("/api/v1/packages/greet-kit/1.0.0").status
            asked += 1
            if status != 200:
                faults.append(status)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(2):
            containers.stop(f"api-{number}")
            containers.one_api(number)
    finally:
        ended.set()
        asking.join()
    check(not faults, f"{visitor.name}: {len(faults)} of {asked} requests failed during the roll: {faults[:5]}")
    return asked


def play(containers):
    for name in containers.order():
        began = time.monotonic()
        getattr(containers, name.replace("-", "_"))()
        say(f"{name}: {time.monotonic() - began:.1f} s")
    token = administrator(containers)
    proxies.certificate(containers)
    for name, version in (("nginx", "1.0.0"), ("caddy", "1.1.0")):
        visitor = Visitor(containers, name, getattr(proxies, name)(containers))
        visitor.sees_https()
        visitor.sees_no_metrics()
        visitor.cannot_lie_about_its_address()
        visitor.publishes(token, version)
        visitor.is_refused_in_words(token)
        say(f"{name}: HTTPS, addresses, sizes, a publish and its download are as they should be")
        say(f"{name}: none of {roll(containers, visitor)} requests failed while the APIs were replaced")
    # As the timers and cron jobs run it, while the APIs run.
    for command in (["storage", "cleanup", "--older-than", "24h"], ["storage", "verify"]):
        containers.run([containers.options.server, *command], containers.api_environment(0))
        say(f"{' '.join(command)}: done")
    # The replacement for MinIO may not support a graceful stop.
    containers.running.pop("minio").kill()
    for name in ("nginx", "caddy", "api-0", "api-1", "redis", "postgres"):
        containers.stop(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--server", "--object-store"):
        parser.add_argument(name, required=True, type=lambda path: pathlib.Path(path).absolute())
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="aam-rehearsal-"))
    # PostgreSQL runs below it as another user.
    work.chmod(0o755)
    containers = Containers(options, work)
    try:
        play(containers)
    except Failed as failure:
        for name in containers.running:
            log = (work / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
            print(f"--- {name}", *log, sep="\n", file=sys.stderr)
        sys.exit(f"failed: {failure}")
    finally:
        for process in reversed(containers.running.values()):
            process.kill()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)
    say("all is well")


if __name__ == "__main__":
    main()
