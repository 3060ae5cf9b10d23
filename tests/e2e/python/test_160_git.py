"""Every method of sandbox.git, against a git server inside the sandbox."""

from __future__ import annotations

import re

import pytest

from api import unique
from conftest import MODERN
from git_server import PASSWORD, USER, GitServer

ADA = ("Ada Lovelace", "ada@example.com")
LOGIN = {"username": USER, "password": PASSWORD}
modern = pytest.mark.skipif(not MODERN, reason="not in this generation")


@pytest.fixture(scope="module")
def server(shared):
    return GitServer(shared)


@pytest.fixture
def clone(shared, server):
    """A clone that one test has for itself, with a repository of its own on the server: (path, name there)."""
    name = server.own(unique("bare"))
    path = unique("repo")
    shared.git.clone(server.url(name), path, **LOGIN)
    return path, name


def files(sandbox, path):
    status = sandbox.git.status(path)
    return sorted((f.name, str(getattr(f.staging, "value", f.staging)), str(getattr(f.worktree, "value", f.worktree))) for f in status.file_status)


def commit(sandbox, path, name="mine.txt", text=b"mine\n"):
    sandbox.fs.upload_file(text, f"{path}/{name}")
    sandbox.git.add(path, [name])
    return sandbox.git.commit(path=path, message=f"add {name}", author=ADA[0], email=ADA[1]).sha


def test_clone(shared, server, clone):
    path, _ = clone
    assert server.git(path, "rev-parse HEAD") == server.commits[1]
    status = shared.git.status(path)
    assert (status.current_branch, status.file_status, status.branch_published, status.ahead, status.behind) == ("main", [], True, 0, 0)
    assert shared.git.branches(path).branches == ["main"]
    server.git(path, "fsck --strict")


def test_clone_a_branch_and_a_commit(shared, server):
    path = unique("repo")
    shared.git.clone(server.url(area="open"), path, branch="feature/x")
    assert server.git(path, "rev-parse HEAD") == server.commits[2]
    path = unique("repo")
    shared.git.clone(server.url(area="open"), path, commit_id=server.commits[0])
    assert shared.git.status(path).current_branch == "HEAD"
    assert server.git(path, "rev-parse HEAD") == server.commits[0]


@modern
def test_clone_with_a_depth(shared, server):
    path = unique("repo")
    shared.git.clone(server.url(area="open"), path, depth=1)
    assert server.git(path, "rev-list --count HEAD") == "1"


def test_clone_that_fails(shared, server, clone, raises):
    path, fresh = clone[0], unique("repo")
    raises("conflict", lambda: shared.git.clone(server.url(), path, **LOGIN), 409, "already exists")
    raises("git_branch_not_found", lambda: shared.git.clone(server.url(), fresh, branch="nope", **LOGIN), 404, "nope")
    raises("git_repo_not_found", lambda: shared.git.clone(server.url("nope.git"), fresh, **LOGIN), 404)
    raises("git_auth_failed", lambda: shared.git.clone(server.url(), fresh, username=USER, password="wrong"), 401)
    raises("git_auth_failed", lambda: shared.git.clone(server.url(), fresh), 401)
    raises("forbidden", lambda: shared.git.clone(server.url(area="forbidden"), fresh, **LOGIN), 403)
    raises("git_transport_failed", lambda: shared.git.clone("http://127.0.0.1:1/x.git", fresh, **LOGIN), 502)
    assert server.run(f"test -e {fresh} || echo nothing") == "nothing\n"


def test_certificates(shared, server, raises):
    path = unique("repo")
    raises("git_transport_failed", lambda: shared.git.clone(server.secure_url(), path, **LOGIN), 502, "(?i)certificate")
    assert server.run(f"grep -c {PASSWORD} {server.root}/secure.log 2>/dev/null || true").strip() in ("", "0")
    shared.git.clone(server.secure_url(), path, insecure_skip_tls=True, **LOGIN)
    assert server.git(path, "rev-parse HEAD") == server.commits[1]
    server.run(f"rm {server.root}/secure.log")


def test_status(shared, server, clone, raises):
    path, _ = clone
    server.run(f"""cd {path} && for f in changed changed-staged again deleted deleted-staged; do echo 1 > $f; done
git add . && git -c user.name=a -c user.email=b commit -q -m m
echo 2 > changed; echo 2 > changed-staged; echo 2 > again; git rm -q deleted-staged; git add changed-staged again; rm deleted; echo 3 > again
echo 1 > new; echo 1 > 'staged "ü"'; git add staged*""")
    assert files(shared, path) == [
        ("again", "Modified", "Modified"),
        ("changed", "Unmodified", "Modified"),
        ("changed-staged", "Modified", "Unmodified"),
        ("deleted", "Unmodified", "Deleted"),
        ("deleted-staged", "Deleted", "Unmodified"),
        ("new", "Untracked", "Untracked"),
        ('staged "ü"', "Added", "Unmodified"),
    ]
    status = shared.git.status(path)
    assert (status.ahead, status.behind) == (1, 0)
    raises("git_repo_not_found", lambda: shared.git.status("no/such/repository"), 404)


def test_status_of_a_name_that_is_not_utf8(shared, server, clone):
    path, _ = clone
    server.run(f"cd {path} && touch \"$(printf 'bad\\377name')\"")
    assert files(shared, path) == [("bad\ufffdname", "Untracked", "Untracked")]


@modern
def test_upstream_and_detached(shared, server, clone):
    path, _ = clone
    status = shared.git.status(path)
    assert (status.detached, status.upstream) == (False, "origin/main")
    assert shared.git.branches(path).current == "main"
    shared.git.checkout_branch(path, server.commits[0])
    assert shared.git.status(path).detached is True


def test_branches(shared, server, clone, raises):
    path, _ = clone
    shared.git.create_branch(path, "topic/one")
    assert shared.git.status(path).current_branch == "topic/one"
    assert sorted(shared.git.branches(path).branches) == ["main", "topic/one"]
    shared.git.checkout_branch(path, "main")
    shared.git.delete_branch(path, "topic/one")
    assert shared.git.branches(path).branches == ["main"]
    raises("git_branch_exists", lambda: shared.git.create_branch(path, "main"), 409)
    raises("git_branch_not_found", lambda: shared.git.checkout_branch(path, "nope"), 404)
    server.run(f"git -C {path} branch old {server.commits[0]} && echo mine > {path}/src/one.txt")
    raises("git_dirty_worktree", lambda: shared.git.checkout_branch(path, "old"), 409)
    assert server.run(f"cat {path}/src/one.txt") == "mine\n"


def test_add_and_commit(shared, server, clone, raises):
    path, _ = clone
    server.run(f"cd {path} && mkdir -p d/e && echo 1 > d/e/a && rm README.md && echo '*.log' > .gitignore && echo 1 > x.log")
    shared.git.add(path, ["d", "README.md", "x.log"])
    assert files(shared, path) == [(".gitignore", "Untracked", "Untracked"), ("README.md", "Deleted", "Unmodified"),
                                   ("d/e/a", "Added", "Unmodified"), ("x.log", "Added", "Unmodified")]
    shared.git.add(path, ["."])
    sha = shared.git.commit(path=path, message="ü\n\nbody", author=ADA[0], email=ADA[1]).sha
    assert re.fullmatch("[0-9a-f]{40}", sha) and server.git(path, "rev-parse HEAD") == sha
    assert server.git(path, "log -1 --format='%an|%ae|%cn|%s'") == "Ada Lovelace|ada@example.com|Ada Lovelace|ü"
    raises("any", lambda: shared.git.commit(path=path, message="m", author=ADA[0], email=ADA[1]), message="clean working tree")
    empty = shared.git.commit(path=path, message="m", author=ADA[0], email=ADA[1], allow_empty=True).sha
    assert server.git(path, "rev-parse HEAD~1 HEAD").split() == [sha, empty]
    raises("any", lambda: shared.git.add(path, ["not-there"]), message="not-there|entry not found")


def test_push(shared, server, clone, raises):
    path, name = clone
    shared.git.push(path, **LOGIN)
    sha = commit(shared, path)
    raises("git_auth_failed", lambda: shared.git.push(path), 401)
    shared.git.push(path, **LOGIN)
    assert server.head(name) == sha
    shared.git.create_branch(path, "topic/new")
    other = commit(shared, path, "other.txt")
    shared.git.push(path, **LOGIN)
    assert server.head(name, "topic/new") == other
    assert shared.git.status(path).branch_published is False
    shared.git.checkout_branch(path, "main")
    theirs = server.colleague(name)
    commit(shared, path, "third.txt")
    raises("git_push_rejected", lambda: shared.git.push(path, **LOGIN), 409)
    assert server.head(name) == theirs


@modern
def test_push_options(shared, server, clone, raises):
    path, name = clone
    shared.git.create_branch(path, "topic")
    sha = commit(shared, path)
    shared.git.push(path, set_upstream=True, **LOGIN)
    status = shared.git.status(path)
    assert (status.branch_published, status.upstream, status.ahead) == (True, "origin/topic", 0)
    second = server.own(unique("bare"))
    shared.git.remote_add(path, "second", server.url(second))
    shared.git.checkout_branch(path, "main")
    shared.git.push(path, branch="topic", remote="second", **LOGIN)
    assert server.head(second, "topic") == sha
    assert server.head(name) == server.commits[1]
    raises("not_found", lambda: shared.git.push(path, branch="nope", **LOGIN), 404)


def test_pull(shared, server, clone, raises):
    path, name = clone
    shared.git.pull(path, **LOGIN)
    theirs = server.colleague(name)
    raises("git_auth_failed", lambda: shared.git.pull(path), 401)
    shared.git.pull(path, **LOGIN)
    assert server.git(path, "rev-parse HEAD") == theirs
    server.colleague(name, "README.md")
    server.run(f"echo mine > {path}/README.md")
    raises("git_dirty_worktree", lambda: shared.git.pull(path, **LOGIN), 409)
    server.git(path, "checkout -q README.md")
    mine = commit(shared, path)
    raises("conflict", lambda: shared.git.pull(path, **LOGIN), 409, "fast-forward")
    assert server.git(path, "rev-parse HEAD") == mine


def test_pull_of_the_current_branch(shared, server):
    name, path = server.own(unique("bare")), unique("repo")
    shared.git.clone(server.url(name), path, branch="feature/x", **LOGIN)
    theirs = server.colleague(name, "on-branch", "feature/x")
    server.colleague(name, "on-main")
    shared.git.pull(path, **LOGIN)
    assert server.git(path, "rev-parse HEAD") == theirs


@modern
def test_pull_options(shared, server, clone, raises):
    path, _ = clone
    server.git(path, "remote rename origin other")
    shared.git.pull(path, branch="feature/x", remote="other", **LOGIN)
    assert server.git(path, "rev-parse HEAD") == server.commits[2]
    raises("not_found", lambda: shared.git.pull(path, branch="nope", remote="other", **LOGIN), 404)


@modern
def test_init(shared, server):
    path, bare = unique("repo"), unique("repo")
    shared.git.init(path, initial_branch="trunk")
    sha = commit(shared, path)
    assert server.git(path, "rev-parse trunk") == sha
    shared.git.init(bare, bare=True)
    assert server.git(bare, "rev-parse --is-bare-repository") == "true"
    server.git(path, f"push -q ../{bare} trunk")


@modern
@pytest.mark.parametrize("mode, left", [("soft", "M  src/one.txt\n"), ("mixed", " M src/one.txt\n"), (None, " M src/one.txt\n"), ("hard", ""), ("merge", ""), ("keep", "")])
def test_reset(shared, server, clone, mode, left):
    path, _ = clone
    shared.git.reset(path, mode=mode, target="HEAD~1")
    assert server.git(path, "rev-parse HEAD") == server.commits[0]
    assert server.run(f"git -C {path} status --porcelain") == left


@modern
def test_reset_of_paths_and_what_is_refused(shared, server, clone, raises):
    path, _ = clone
    server.run(f"cd {path} && echo 1 > a && echo 1 > b && git add a b")
    shared.git.reset(path, files=["a"])
    assert files(shared, path) == [("a", "Untracked", "Untracked"), ("b", "Added", "Unmodified")]
    raises("bad_request", lambda: shared.git.reset(path, mode="sideways"), 400)
    raises("not_found", lambda: shared.git.reset(path, mode="hard", target="nope"), 404)


@modern
def test_restore(shared, server, clone):
    path, _ = clone
    server.run(f"cd {path} && echo staged > README.md && git add . && echo changed > README.md && rm src/one.txt")
    shared.git.restore(path, ["README.md", "src/one.txt"])
    assert server.run(f"cat {path}/README.md {path}/src/one.txt") == "staged\n1\n2\n"
    shared.git.restore(path, ["README.md"], staged=True)
    assert files(shared, path) == [("README.md", "Unmodified", "Modified")]
    shared.git.restore(path, ["."], staged=True, worktree=True)
    assert files(shared, path) == []
    shared.git.restore(path, ["src/one.txt"], worktree=True, source="HEAD~1")
    assert server.run(f"cat {path}/src/one.txt") == "1\n"


@modern
def test_remotes(shared, server, clone, raises):
    path, name = clone
    assert [(r.name, r.url) for r in shared.git.remotes(path).remotes] == [("origin", server.url(name))]
    shared.git.remote_add(path, "open", server.url(area="open"), fetch=True)
    assert server.git(path, "rev-parse open/feature/x") == server.commits[2]
    raises("conflict", lambda: shared.git.remote_add(path, "open", "https://example.com/x"), 409)
    shared.git.remote_add(path, "open", "https://example.com/x", overwrite=True)
    assert shared.git.remote_get(path, "open") == "https://example.com/x"
    assert shared.git.remote_get(path, "none") is None


@modern
def test_settings(shared, server, clone, raises):
    path, _ = clone
    shared.git.set_config("e2e.value", 'with "quotes" and ü')
    assert shared.git.get_config("e2e.value") == 'with "quotes" and ü'
    assert server.run("git config --global e2e.value") == 'with "quotes" and ü\n'
    assert shared.git.get_config("e2e.never") is None
    shared.git.set_config("e2e.value", "local", scope="local", path=path)
    assert shared.git.get_config("e2e.value", scope="local", path=path) == "local"
    raises("bad_request", lambda: shared.git.set_config("e2e.value", "x", scope="local"), 400)
    raises("bad_request", lambda: shared.git.get_config("e2e.value", scope="everywhere"), 400)
    server.run("sudo git config --system e2e.value everyone")
    assert shared.git.get_config("e2e.value", scope="system") == "everyone"
    shared.git.configure_user("Ada", "ada@example.com")
    assert server.run("git config --global user.name; git config --global user.email") == "Ada\nada@example.com\n"
    shared.git.configure_user("Local", "l@example.com", scope="local", path=path)
    assert server.git(path, "config user.name") == "Local"


@modern
def test_stored_credentials(shared, server, raises):
    path = unique("repo")
    try:
        raises("git_auth_failed", lambda: shared.git.clone(server.url(), path), 401)
        shared.git.dangerously_authenticate(USER, PASSWORD, host=f"127.0.0.1:{server.port}", protocol="http")
        shared.git.clone(server.url(), path)
        shared.git.pull(path)
        server.run(f"git clone -q {server.url()} {path}-by-git")
        shared.git.dangerously_authenticate("me", "token")
        assert "https://me:token@github.com\n" in server.run("cat ~/.git-credentials")
    finally:
        server.run("rm -f ~/.git-credentials; git config --global --unset-all credential.helper || true")
