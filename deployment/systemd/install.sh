#!/bin/sh
# Installs the registry as a service of systemd and starts it; as root:
#
#   cargo build --profile dist -p aam-registry
#   deployment/systemd/install.sh target/dist/aam-registry
#
# Can be run again for a new release: configuration that is there stays.
set -eu

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    printf 'usage: %s BINARY, such as target/dist/aam-registry\n' "$0" >&2
    exit 2
fi
binary=$1
here=$(dirname "$0")

# With the settings of the service, and none from the environment of who installs it.
as_service() {
    (cd /var/lib/aam-registry && env -i PATH="$PATH" runuser -u aam-registry -- /usr/local/bin/aam-registry "$@")
}

id -u aam-registry >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/aam-registry --no-create-home \
        --shell /usr/sbin/nologin aam-registry

install -d -m 750 -g aam-registry /etc/aam-registry
install -d -m 700 -o aam-registry -g aam-registry /var/lib/aam-registry
[ -e /etc/aam-registry/config.yaml ] ||
    install -m 640 -g aam-registry "$here/../config.example.yaml" /etc/aam-registry/config.yaml
[ -e /etc/aam-registry/env ] ||
    install -m 640 -g aam-registry "$here/env.example" /etc/aam-registry/env
# So that a command run by hand in that folder has the settings of the service.
[ -e /var/lib/aam-registry/.env ] || ln -s /etc/aam-registry/env /var/lib/aam-registry/.env

# Beside the old one and over it at once: it may be running.
install -m 755 "$binary" /usr/local/bin/aam-registry.new
mv /usr/local/bin/aam-registry.new /usr/local/bin/aam-registry
install -m 644 "$here"/aam-registry*.service "$here"/aam-registry*.timer /etc/systemd/system/

# What is wrong with the configuration, before the running server is stopped for it.
as_service config check
# Nothing to do for a SQLite database that is there, and the schema must be there before the server.
as_service migrate

systemctl daemon-reload
systemctl enable --quiet aam-registry.service aam-registry-storage-cleanup.timer
systemctl restart aam-registry.service
systemctl start aam-registry-storage-cleanup.timer
