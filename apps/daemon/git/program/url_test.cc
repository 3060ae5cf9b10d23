#include "apps/daemon/git/program/url.h"

#include <gtest/gtest.h>

namespace dt::git {
namespace {

using Kind = Url::Kind;

TEST(GitUrl, HttpWithoutWhatMustNotBeStored) {
  auto url = parse_url("https://al%40ice:p%3Aw@host.example:8443/group/repo.git");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->kind, Kind::http);
  EXPECT_EQ(url->text, "https://host.example:8443/group/repo.git");
  EXPECT_EQ(url->user, "al@ice");
  EXPECT_EQ(url->password, "p:w");
  EXPECT_EQ(url->host, "host.example");
  EXPECT_EQ(url->port, "8443");
  url = parse_url("https://token@host/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->user, "token");
  EXPECT_FALSE(url->has_password);
  EXPECT_EQ(url->text, "https://host/x");
}

TEST(GitUrl, WithoutSchemeIsHttps) {
  EXPECT_EQ(parse_url("github.com/a/b")->text, "https://github.com/a/b");
  EXPECT_EQ(parse_url("localhost:8080/a")->text, "https://localhost:8080/a");
  EXPECT_EQ(parse_url("localhost:8080/a")->port, "8080");
}

struct Ssh {
  const char *text, *user, *host, *port, *path;
};

TEST(GitUrl, Ssh) {
  for (const Ssh& c : {Ssh{"ssh://git@host:2222/srv/a%20b.git", "git", "host", "2222", "/srv/a b.git"},
                       Ssh{"ssh://host/~me/x", "", "host", "", "~me/x"},
                       Ssh{"git+ssh://[::1]:22/x", "", "[::1]", "22", "/x"},
                       Ssh{"git@github.com:owner/repo.git", "git", "github.com", "", "owner/repo.git"},
                       Ssh{"host:~/x", "", "host", "", "~/x"}, Ssh{"me@[::1]:x", "me", "[::1]", "", "x"},
                       Ssh{"me@host:8080/x", "me", "host", "", "8080/x"}}) {
    auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << url.error().message;
    EXPECT_EQ(url->kind, Kind::ssh) << c.text;
    EXPECT_EQ(url->user, c.user) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->path, c.path) << c.text;
    EXPECT_EQ(url->text, c.text);
  }
}

TEST(GitUrl, Local) {
  for (const char* text : {"/srv/x.git", "./x", "../x:y", "file:///srv/x"})
    EXPECT_EQ(parse_url(text)->kind, Kind::local) << text;
}

TEST(GitUrl, Refused) {
  for (const char* text :
       {"", "-oProxyCommand=x", "ext::sh -c x", "ftp://host/x", "https://", "https://host:0/x",
        "https://host:99999/x", "https://host:x/y", "ssh://-x/y", "ssh://-l@host/y", "ssh://host",
        "https://a%zz@host/x", "https://[::1/x", "a\nb", "git@host:", "ssh://host/%00x"}) {
    auto url = parse_url(text);
    EXPECT_FALSE(url && url->kind != Kind::http) << text;
    if (!url) EXPECT_EQ(url.error().code, Code::bad_request) << text;
  }
}

}  // namespace
}  // namespace dt::git
