#!/bin/sh
# Makes the database at the first start and runs the server, asked for as the image on Docker Hub is.
set -eu
umask 077
if [ "${1#-}" != "$1" ]; then
	set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
	user=${POSTGRES_USER:-postgres}
	database=${POSTGRES_DB:-$user}
	case "$user$database" in
	*[!A-Za-z0-9_-]*)
		echo "POSTGRES_USER and POSTGRES_DB may have letters, digits, _ and - only" >&2
		exit 1
		;;
	esac
	if [ ! -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
		echo "POSTGRES_PASSWORD_FILE is not set, or names no file with a password in it" >&2
		exit 1
	fi
	# Beside its place and then moved: what was interrupted is begun anew, not taken for a database.
	new=$PGDATA.new
	rm -rf "$new"
	initdb --pgdata="$new" --username="$user" --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 \
		--locale=C --auth-local=trust --auth-host=scram-sha-256 --no-sync
	echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
	if [ "$database" != postgres ]; then
		echo "CREATE DATABASE \"$database\"" | postgres --single -D "$new" -c unix_socket_directories=/tmp postgres >/dev/null
	fi
	rm -rf "$PGDATA"
	mv "$new" "$PGDATA"
fi
if [ "$1" = postgres ]; then
	shift
	set -- postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql,/tmp "$@"
fi
exec "$@"
