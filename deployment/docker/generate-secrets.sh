#!/bin/sh
# Writes the containers' secrets to files in the folder $1: those set in .env, and a random one, generated once, for
# each that is empty. So no container has a password that is publicly known.
set -eu

folder=$1
# Different users read these files, so they are world-readable, in a volume that only these containers and root on the
# host can open.
umask 022

random() {
    od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'
}

keep() { # NAME VALUE
    if [ -n "$2" ]; then
        printf '%s' "$2" >"$folder/$1.new"
    elif [ -s "$folder/$1" ]; then
        return
    else
        random >"$folder/$1.new"
    fi
    # Either the complete file or none, even if the script is interrupted.
    mv "$folder/$1.new" "$folder/$1"
}

case "$POSTGRES_USER$POSTGRES_PASSWORD$POSTGRES_DB" in
*[!A-Za-z0-9._~-]*)
    printf 'POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB stand in a URL: letters, digits and . _ ~ - only\n' >&2
    exit 1
    ;;
esac

keep postgres-password "$POSTGRES_PASSWORD"
keep minio-password "$MINIO_ROOT_PASSWORD"
keep jwt-secret "$JWT_SECRET"
keep secrets-key "$SECRETS_KEY"
keep grafana-password ''
keep database-url "postgresql://$POSTGRES_USER:$(cat "$folder/postgres-password")@postgres:5432/$POSTGRES_DB"
