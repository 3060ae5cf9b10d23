#!/bin/sh
# Inside a sandbox: makes the repository that the suites clone and serves it; run as `sh git-server.sh DIRECTORY PORT`, beside server.py.
# DIRECTORY/commits has the hashes of sample.git: first, second (main, tag v1), third (feature/x).
set -e
root=$1 port=$2
here=$(cd "$(dirname "$0")" && pwd)
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=Grace GIT_AUTHOR_EMAIL=grace@example.com GIT_COMMITTER_NAME=Grace GIT_COMMITTER_EMAIL=grace@example.com
mkdir -p "$root/work"
cd "$root/work"
git init -q -b main
echo hello >README.md
mkdir src
echo 1 >src/one.txt
git add . && git commit -q -m first
git rev-parse HEAD >"$root/commits.new"
echo 2 >>src/one.txt
git commit -q -a -m second
git tag v1
git rev-parse HEAD >>"$root/commits.new"
git checkout -q -b feature/x
echo new >feature.txt
git add . && git commit -q -m 'on the branch'
git rev-parse HEAD >>"$root/commits.new"
git checkout -q main
git clone -q --bare . "$root/sample.git"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -out "$root/cert.pem" -keyout "$root/key.pem" 2>/dev/null
python3 "$here/server.py" --root "$root" --port "$((port + 1))" --tls "$root/cert.pem" "$root/key.pem" --log "$root/secure.log" >/dev/null &
mv "$root/commits.new" "$root/commits"
exec python3 "$here/server.py" --root "$root" --port "$port" --log "$root/requests.log"
