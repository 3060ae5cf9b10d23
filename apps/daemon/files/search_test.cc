#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <random>

#include "apps/daemon/files/glob.h"
#include "apps/daemon/files/line_search.h"
#include "apps/daemon/files/search.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

using Search = DaemonTest;

std::string names_of(const bj::value& found) {
  std::string out;
  for (const auto& item : found.as_array()) out += std::string(item.at("file").as_string()) + " ";
  return out;
}

TEST_F(Search, AnswersComeInTheOrderOfNamesWhoeverFindsThem) {
  std::vector<std::string> wanted;
  for (int d = 0; d < 12; ++d) {
    std::string directory = "t/" + std::string(1, static_cast<char>('a' + d % 26)) + std::to_string(d);
    fs::create_directories(directory + "/in");
    for (int f = 0; f < 140; ++f) {
      std::string path = directory + (f % 2 ? "/in/" : "/") + std::to_string(f);
      put(path, std::string(static_cast<size_t>(f * 37), '.') + "\nthe needle " + std::to_string(f) + "\n");
      wanted.push_back(path);
    }
  }
  // The order of a walk: by the parts of the path.
  std::ranges::sort(wanted, {}, [](const std::string& path) { return split(path, '/'); });
  bj::array found = json(get("/files/find?path=t&pattern=needle")).as_array();
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(found[i].at("file").as_string(), wanted[i]);
    ASSERT_EQ(found[i].at("line"), 2);
  }
  bj::value names = json(get("/files/search?path=t&pattern=1*"));
  std::erase_if(wanted, [](const std::string& path) { return fs::path(path).filename().string()[0] != '1'; });
  ASSERT_EQ(names.at("files").as_array().size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(names.at("files").at(i).as_string(), wanted[i]);
}

TEST_F(Search, FindLooksIntoRegularTextFilesOnly) {
  fs::create_directories("t/d");
  put(at("t/d/text"), "needle");
  put(at("t/binary"), std::string("a\0needle", 8));
  put(at("t/late-nul"), std::string(600, 'x') + "needle" + std::string(1, '\0'));
  put(at("t/empty"), "");
  ::mkfifo("t/fifo", 0600);
  ::mknod("t/socket", S_IFSOCK | 0600, 0);
  fs::create_symlink("d/text", "t/link");
  fs::create_directory_symlink("d", "t/link-to-directory");
  fs::create_symlink("nowhere", "t/dangling");
  fs::create_symlink("t", "root-link");
  EXPECT_EQ(names_of(json(get("/files/find?path=t&pattern=needle"))), "t/d/text t/late-nul ");
  EXPECT_EQ(names_of(json(get("/files/find?path=t/d/text&pattern=needle"))), "t/d/text ");
  for (const char* root : {"root-link", "t/fifo", "t/socket", "t/link", "none", "/dev/zero"})
    EXPECT_EQ(get(std::string("/files/find?path=") + root + "&pattern=needle").body, "[]") << root;
  EXPECT_EQ(get("/files/find?path=t&pattern=n%0Ae").body, "[]");
  bj::value names = json(get("/files/search?path=t&pattern=*"));
  EXPECT_EQ(names.at("files").as_array().size(), 11u) << "every entry and the root itself";
  EXPECT_EQ(json(get("/files/search?path=root-link&pattern=root*")).at("files").as_array().size(), 1u);
}

TEST_F(Search, NamesAndLinesThatAreNotUtf8) {
  fs::create_directory("t");
  put(at("t/x\xFFy"), "a \xFE needle\n");
  bj::value found = json(get("/files/find?path=t&pattern=needle"));
  EXPECT_EQ(found.at(0).at("file"), "t/x\xEF\xBF\xBDy");
  EXPECT_EQ(found.at(0).at("content"), "a \xEF\xBF\xBD needle");
  EXPECT_EQ(json(get("/files/find?path=t/x%FFy&pattern=%FE")).as_array().size(), 1u);
  EXPECT_EQ(json(get("/files/search?path=t&pattern=x%3Fy")).at("files").at(0), "t/x\xEF\xBF\xBDy");
}

TEST_F(Search, AMatchFarInALongLineIsFoundAndTheLineCut) {
  put(at("long"), "one\n" + std::string(3'000'000, 'y') + "mark" + std::string(500'000, 'z') + "\nmark\n");
  Reply r = get("/files/find?path=long&pattern=mark");
  bj::array found = json(r).as_array();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at("line"), 2);
  EXPECT_EQ(found[0].at("content").as_string().size(), 1u << 20);
  EXPECT_EQ(found[1].at("line"), 3);
  EXPECT_EQ(r.headers.get_or("X-Daytona-Truncated"), "true");
}

TEST_F(Search, LargeAnswersAreWholeAndPassThroughAFile) {
  fs::create_directory("t");
  std::string line = "needle " + std::string(1000, '-') + "\n", text;
  for (int i = 0; i < 100; ++i) text += line;
  for (int i = 0; i < 60; ++i) put(at("t/" + std::to_string(i)), text);
  Reply r = get("/files/find?path=t&pattern=needle");
  EXPECT_EQ(json(r).as_array().size(), 6000u);
  EXPECT_FALSE(r.headers.get("X-Daytona-Truncated"));
  EXPECT_EQ(r.headers.get_or("Content-Type").substr(0, 16), "application/json");
}

TEST_F(Search, WhatGoesBeyondTheLimitIsLeftOutAndMarked) {
  fs::create_directory("t");
  for (int i = 0; i < 50; ++i) put(at("t/f" + std::to_string(i)), "needle\nneedle\n");
  WorkerPool pool(2);
  Response found = find_in_files({.root = "t", .pattern = "needle", .answer_limit = 1000}, pool);
  EXPECT_EQ(found.headers.get_or("X-Daytona-Truncated"), "true");
  EXPECT_LE(found.body.size(), 1001u);
  bj::array matches = bj::parse(found.body).as_array();
  ASSERT_GT(matches.size(), 5u);
  EXPECT_EQ(matches[0].at("file"), "t/f0");
  Response names = search_names({.root = "t", .pattern = "f*", .answer_limit = 200}, pool);
  EXPECT_EQ(names.headers.get_or("X-Daytona-Truncated"), "true");
  EXPECT_GT(bj::parse(names.body).at("files").as_array().size(), 5u);
}

// A search that would take hours: a hole of 4 TiB behind a line of text.
void endless(const std::string& path) {
  std::ofstream(path) << std::string(600, 'x');
  ASSERT_EQ(::truncate(path.c_str(), off_t{1} << 42), 0);
}

Fd asked(const std::string& socket, const std::string& target) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(write_all(fd.get(), "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  return fd;
}

TEST_F(Search, EndsWhenItsClientGoesAway) {
  endless(at("hole"));
  put(at("f"), "needle");
  for (int i = 0; i < 12; ++i) asked(socket_, "/files/find?path=hole&pattern=needle");
  // All threads of searches would be busy for hours.
  EXPECT_EQ(names_of(json(get("/files/find?path=f&pattern=needle"))), "f ");
}

TEST_F(Search, EndsWithTheDaemon) {
  endless(at("hole"));
  Fd open = asked(socket_, "/files/find?path=hole&pattern=needle");
  EXPECT_EQ(get("/version").status, 200);
  TearDown();  // must come back
  SetUp();
}

// --- lines, against a plain implementation
// -------------------------------------------------------------------------------------------------

std::vector<std::pair<size_t, std::string>> plain_find(std::string_view text, std::string_view pattern) {
  std::vector<std::pair<size_t, std::string>> out;
  size_t number = 0;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (line.find(pattern) != std::string_view::npos) out.emplace_back(number, line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

TEST(LineSearch, AgreesWithAPlainSearchAtEveryBoundary) {
  std::mt19937 random(20261122);
  char name[] = "/tmp/line-search-XXXXXX";
  Fd file(::mkstemp(name));
  ::unlink(name);
  for (std::string pattern : {"a", "ab", "aab\r", "bbbabab", "\r", "aaaaaaaaaaaab"}) {
    TextFinder finder(pattern);
    Ended ended;
    for (size_t buffer : {64u, 4096u, 131'072u})
      for (size_t size : {1, 511, 513, 131'071, 131'072, 131'073, 262'144, 400'001}) {
        LineSearch lines(finder, ended, {.buffer = buffer});
        std::string text;
        for (size_t i = 0; i < size; ++i) text += "aab\r\n"[random() % (i % 3000 == 0 ? 5 : 3)];
        ASSERT_EQ(::ftruncate(file.get(), 0), 0);
        ASSERT_EQ(::pwrite(file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        ::lseek(file.get(), 0, SEEK_SET);
        std::vector<std::pair<size_t, std::string>> found;
        lines.search(file.get(), [&](size_t number, std::string_view line, bool cut) {
          EXPECT_FALSE(cut);
          found.emplace_back(number, line);
        });
        ASSERT_TRUE(found == plain_find(text, pattern)) << pattern << " in " << size;
      }
  }
}

TEST(Glob, CharactersNotBytes) {
  EXPECT_TRUE(glob_match("?.txt", "\xC3\xA9.txt"));
  EXPECT_TRUE(glob_match("[\xCE\xB1-\xCF\x89]*", "\xCE\xB2x"));
  EXPECT_FALSE(glob_match("[^\xCE\xB1-\xCF\x89]", "\xCE\xB2"));
  EXPECT_TRUE(glob_match("a?b",
                         "a\xFF"
                         "b"));
  EXPECT_TRUE(glob_match("*\xFF*",
                         "a\xFF"
                         "b"));
  EXPECT_FALSE(glob_match("*.TXT", "a.txt"));
  EXPECT_FALSE(glob_match("**/*.txt", "a.txt"));
  EXPECT_FALSE(glob_match("{a,b}", "a"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_FALSE(glob_match("?", "/"));
}

TEST(Glob, MalformedPatternsMatchNothing) {
  for (const char* pattern : {"[", "[a", "[]", "[]a]", "[-a]", "[a-]", "a\\", "*[", "[^", "[a-\\"})
    for (const char* name : {"", "a", "[", "-", "]", "\\", "a\\"}) {
      EXPECT_FALSE(glob_well_formed(pattern)) << pattern;
      EXPECT_FALSE(glob_match(pattern, name)) << pattern << " " << name;
    }
}

TEST(Glob, ManyStarsTakeNoTime) {
  std::string pattern, name(4000, 'a');
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", name));
  EXPECT_TRUE(glob_match(pattern, name));
}

}  // namespace
}  // namespace dt::daemon
