"""nginx and Caddy with the very examples, in front of all APIs."""

import os

from asking import HOST
from containers import DOCKER
from waiting import check, free_port


def adapted(name, replacements):
    """An example with other ports, addresses and certificates, and nothing else."""
    text = (DOCKER / name).read_text()
    for old, new in replacements:
        check(old in text, f"{name} no longer has {old}")
        text = text.replace(old, new)
    return text


def certificate(containers):
    containers.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", "privkey.pem", "-out", "fullchain.pem"],
        {"PATH": os.environ["PATH"]},
    )


def nginx(containers):
    work, plain, secure = containers.work, free_port(), free_port()
    apis = "\n".join(f"    server 127.0.0.1:{port} max_fails=0;" for port in containers.api_ports)
    site = adapted("nginx.conf", (
        ("    server 127.0.0.1:8000 max_fails=0;", apis),
        (f"/etc/letsencrypt/live/{HOST}", str(work)),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("    listen [::]:80;\n", ""),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{secure} ssl http2;"),
        ("    listen [::]:443 ssl http2;\n", ""),
    ))
    (work / "site.conf").write_text(site)
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{folder}_temp_path {work}/nginx-{folder};" for folder in folders)
    (work / "nginx.conf").write_text(
        f"daemon off; pid {work}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} include {work}/site.conf; }}\n"
    )
    command = ["nginx", "-c", work / "nginx.conf", "-e", "stderr"]
    containers.start("nginx", command, {"PATH": os.environ["PATH"]})
    return plain, secure


def caddy(containers):
    work, plain, secure = containers.work, free_port(), free_port()
    apis = " ".join(f"127.0.0.1:{port}" for port in containers.api_ports)
    site = adapted("Caddyfile", (
        ("reverse_proxy 127.0.0.1:8000 {", f"reverse_proxy {apis} {{"),
        (f"\n{HOST} {{\n", f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {work}/fullchain.pem {work}/privkey.pem\n"),
    ))
    (work / "Caddyfile").write_text(f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {secure}\n}}\n{site}")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", work / "Caddyfile"]
    containers.start("caddy", command, {"PATH": os.environ["PATH"], "HOME": str(work)})
    return plain, secure
