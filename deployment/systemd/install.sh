#!/bin/sh
# Installs the registry as a systemd service and starts it; run as root:
#
#   cargo build --profile dist -p aam-registry
#   deployment/systemd/install.sh target/dist/aam-registry
#
# Run it again to install a new release: an existing configuration is kept.
set -eu

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    printf 'usage: %s BINARY, such as target/dist/aam-registry\n' "$0" >&2
    exit 2
fi
binary=$1
here=$(dirname "$0")

# With the settings of the service, and none from the environment of the user who installs it.
as_service() {
    (cd /var/lib/aam-registry && env -i PATH="$PATH" runuser -u aam-registry -- /usr/local/bin/aam-registry "$@")
}

id -u aam-registry >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/aam-registry --no-create-home \
        --shell /usr/sbin/nologin aam-registry

install -d -m 750 -g aam-registry /etc/aam-registry
install -d -m 700 -o aam-registry -g aam-registry /var/lib/aam-registry
# The backups of aam-registry-backup.service.
install -d -m 700 -o aam-registry -g aam-registry /var/backups/aam-registry
[ -e /etc/aam-registry/config.yaml ] ||
    install -m 640 -g aam-registry "$here/../config.example.yaml" /etc/aam-registry/config.yaml
[ -e /etc/aam-registry/env ] ||
    install -m 640 -g aam-registry "$here/env.example" /etc/aam-registry/env
# So that a command run by hand in that folder uses the settings of the service.
[ -e /var/lib/aam-registry/.env ] || ln -s /etc/aam-registry/env /var/lib/aam-registry/.env

# Copied beside the old binary and then renamed over it, since that may be running.
install -m 755 "$binary" /usr/local/bin/aam-registry.new
mv /usr/local/bin/aam-registry.new /usr/local/bin/aam-registry
install -m 644 "$here"/aam-registry*.service "$here"/aam-registry*.socket "$here"/aam-registry*.timer /etc/systemd/system/

# Report mistakes in the configuration before the running server is stopped.
as_service config check
# Migrates the schema before the server starts; does nothing if it is up to date.
as_service migrate

systemctl daemon-reload
systemctl enable --quiet aam-registry.service aam-registry-storage-cleanup.timer aam-registry-backup.timer
systemctl restart aam-registry.service
systemctl start aam-registry-storage-cleanup.timer aam-registry-backup.timer

echo "To remove versions that nobody has downloaded for a year, once a month:"
echo "  systemctl enable --now aam-registry-old-versions.timer"
