#include "apps/daemon/git/program/credential_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "libs/base/fd.h"

namespace dt::git {
namespace {

const Credential kAda{"https", "host.example:8443", "a@da", "p:s/w d%", ""};

TEST(CredentialStore, LinesGoBothWays) {
  std::string line = format_credential(kAda);
  EXPECT_EQ(line, "https://a%40da:p%3As%2Fw%20d%25@host.example:8443");
  auto back = parse_credential(line);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->user, kAda.user);
  EXPECT_EQ(back->password, kAda.password);
  EXPECT_EQ(back->host, kAda.host);
  EXPECT_EQ(parse_credential("https://u:p@localhost%3a8080")->host, "localhost:8080");  // as git writes it
  for (const char* none :
       {"", "#https://u:p@h", "https://h", "https://u@h", "://u:p@h", "u:p@h", "https://u:%zz@h"})
    EXPECT_FALSE(parse_credential(none)) << none;
}

TEST(CredentialStore, NewEntriesComeFirstAndReplaceTheirOwn) {
  std::string file = "# kept\nhttps://other:x@host\n" + format_credential(kAda) + "\n";
  Credential changed = kAda;
  changed.password = "new";
  std::string after = with_credential(file, changed);
  EXPECT_EQ(after, format_credential(changed) + "\n# kept\nhttps://other:x@host\n");
}

TEST(CredentialStore, FindsByProtocolHostAndUser) {
  std::string file =
      "https://a:1@host\nhttps://b:2@host\nhttp://c:3@host\nhttps://d:4@host:99\nhttps://e:5@p/path\n";
  EXPECT_EQ(find_credential(file, "https", "HOST", "")->user, "a");
  EXPECT_EQ(find_credential(file, "https", "host", "b")->password, "2");
  EXPECT_EQ(find_credential(file, "http", "host", "")->user, "c");
  EXPECT_EQ(find_credential(file, "https", "host:99", "")->user, "d");
  EXPECT_FALSE(find_credential(file, "https", "host", "nobody"));
  EXPECT_FALSE(find_credential(file, "https", "p", ""));
}

TEST(CredentialStore, FileIsTheUsersAlone) {
  char name[] = "/tmp/credential-test-XXXXXX";
  std::string home = ::mkdtemp(name), before = ::getenv("HOME") ? ::getenv("HOME") : "";
  ::setenv("HOME", home.c_str(), 1);
  EXPECT_TRUE(save_credential(kAda));
  struct stat info;
  ASSERT_EQ(::stat((home + "/.git-credentials").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(stored_credential("https", kAda.host, "")->password, kAda.password);
  ::setenv("HOME", before.c_str(), 1);
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace dt::git
