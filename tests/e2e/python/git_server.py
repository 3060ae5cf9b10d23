"""A git server inside a sandbox: tests/git/server.py beside the repository that tests/e2e/lib/git-server.sh makes."""

from __future__ import annotations

import os

from api import eventually
from session import Session

HERE = os.path.dirname(os.path.abspath(__file__))
USER, PASSWORD = "tester", "s3cret"


class GitServer:
    def __init__(self, sandbox, port=8310):
        self.sandbox, self.port = sandbox, port
        self.root = f"{sandbox.get_work_dir()}/served"
        for source, name in (("../../git/server.py", "server.py"), ("../lib/git-server.sh", "git-server.sh")):
            with open(os.path.join(HERE, source), "rb") as file:
                sandbox.fs.upload_file(file.read(), name)
        Session(sandbox, "git-server").start(f"sh git-server.sh {self.root} {port}")
        for answers in (f"http://127.0.0.1:{port}", f"-k https://127.0.0.1:{port + 1}"):
            eventually("the git server answers", lambda: "refs/heads/main" in sandbox.process.exec(f"curl -s {answers}/open/sample.git/HEAD").result)
        self.commits = self.run(f"cat {self.root}/commits").split()

    def url(self, name="sample.git", area="private"):
        return f"http://127.0.0.1:{self.port}/{area}/{name}"

    def secure_url(self, name="sample.git"):
        return f"https://localhost:{self.port + 1}/private/{name}"

    def run(self, command):
        """Output of a command inside, which must succeed."""
        done = self.sandbox.process.exec(command)
        assert done.exit_code == 0, (command, done.result)
        return done.result

    def git(self, path, words):
        return self.run(f"git -C {path} {words}").strip()

    def own(self, name):
        """A repository that one test has for itself, to push to."""
        self.run(f"git clone -q --bare {self.root}/sample.git {self.root}/{name}.git && git -C {self.root}/{name}.git config http.receivepack true")
        return name + ".git"

    def head(self, name, branch="main"):
        return self.git(f"{self.root}/{name}", f"rev-parse refs/heads/{branch}")

    def colleague(self, name, file="theirs.txt", branch="main"):
        """Somebody else pushes a commit to a repository of the server."""
        where = f"/tmp/theirs-{name}"
        self.run(f"test -d {where} || git clone -q {self.root}/{name} {where}; cd {where} && git checkout -q {branch} && echo theirs > {file}"
                 f" && git add . && git -c user.name=G -c user.email=g@example.com commit -q -m theirs && git push -q origin {branch}")
        return self.head(name, branch)
