#include <fcntl.h>
#include <sys/stat.h>

#include "apps/daemon/files/download.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/glob.h"
#include "apps/daemon/files/users.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

using Files = DaemonTest;

unsigned mode_of(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

// A form with parts {name, content}.
std::string form(std::initializer_list<std::pair<std::string, std::string>> parts) {
  std::string out;
  for (const auto& [name, text] : parts) {
    bool file = name == "file" || name.ends_with(".file");
    out += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
           (file ? "; filename=\"ignored\"" : "") + "\r\n\r\n" + text + "\r\n";
  }
  return out + "--B--\r\n";
}
Headers form_headers() {
  Headers headers;
  headers.set("Content-Type", "multipart/form-data; boundary=B");
  return headers;
}

TEST_F(Files, ListIsSortedAndLeavesOutDanglingLinks) {
  EXPECT_EQ(get("/files").body, "[]");
  put(at("b.txt"), "hello");
  fs::create_directory("a");
  fs::create_symlink("nowhere", "dangling");
  fs::create_symlink("b.txt", "link");
  bj::array list = json(get("/files?path=.")).as_array();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].at("name"), "a");
  EXPECT_EQ(list[0].at("isDir"), true);
  EXPECT_EQ(list[0].at("mode"), "drwxr-xr-x");
  EXPECT_EQ(list[1].at("size"), 5);
  EXPECT_EQ(list[1].at("permissions"), "0644");
  EXPECT_EQ(list[1].at("owner").as_string(), std::to_string(::geteuid()));
  EXPECT_EQ(list[2].at("name"), "link");
  EXPECT_EQ(list[2].at("size"), 5);
  EXPECT_EQ(get("/files?path=b.txt").status, 400);
  Reply missing = get("/files?path=/no%20where");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(member(missing, "code"), "FILE_NOT_FOUND");
  EXPECT_EQ(member(missing, "source"), "DAYTONA_DAEMON");
  EXPECT_EQ(json(missing).at("statusCode"), 404);
}

TEST_F(Files, ListGoesDeeperOnRequest) {
  fs::create_directories("a/b/c");
  put(at("a/b/f"), "");
  fs::create_directory_symlink(".", "a/loop");
  auto paths = [&](std::string query) {
    std::string out;
    for (const auto& item : json(get("/files?path=a" + query)).as_array())
      out += std::string(item.at("path").as_string()) + " ";
    return out;
  };
  EXPECT_EQ(paths(""), "a/b a/loop ");
  EXPECT_EQ(paths("&depth=2"), "a/b a/b/c a/b/f a/loop ");
  EXPECT_EQ(get("/files?depth=0").status, 400);
  Headers old;
  old.set("X-Daytona-Source", "sdk-go");
  old.set("X-Daytona-SDK-Version", "v0.187.2");
  EXPECT_FALSE(json(call("GET", "/files?path=a", "", old)).at(0).as_object().contains("path"));
}

TEST_F(Files, InfoTellsTimesAndModes) {
  put(at("f"), "x");
  timespec times[2] = {{1780315200, 123456789}, {1780315200, 120000000}};
  ::utimensat(AT_FDCWD, "f", times, 0);
  ::chmod("f", 04755);
  bj::value info = json(get("/files/info?path=" + at("f")));
  EXPECT_EQ(info.at("name"), "f");
  EXPECT_EQ(info.at("modifiedAt"), "2026-06-01T12:00:00.12Z");
  EXPECT_EQ(info.at("modTime"), "2026-06-01 12:00:00.12 +0000 UTC");
  EXPECT_EQ(info.at("mode"), "urwxr-xr-x");
  EXPECT_EQ(info.at("permissions"), "0755");
  EXPECT_EQ(get("/files/info").status, 400);
  EXPECT_EQ(get("/files/info?path=none").status, 404);
  EXPECT_EQ(json(get("/files/info?path=/tmp")).at("mode").as_string().subview(0, 2), "dt");
  EXPECT_EQ(json(get("/files/info?path=/dev/null")).at("mode").as_string().subview(0, 2), "Dc");
}

TEST_F(Files, FolderModesAndConflicts) {
  EXPECT_EQ(post("/files/folder?path=x/y/z&mode=700").status, 201);
  EXPECT_EQ(mode_of("x/y/z"), 0700u);
  EXPECT_EQ(post("/files/folder?path=p&mode=0755").status, 201);
  EXPECT_EQ(mode_of("p"), 0755u);
  Reply again = post("/files/folder?path=p");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, "");
  put(at("f"), "");
  EXPECT_EQ(post("/files/folder?path=f").status, 400);
  EXPECT_EQ(post("/files/folder?path=q&mode=0o755").status, 400);
  EXPECT_EQ(post("/files/folder?path=q&mode=999").status, 400);
  EXPECT_EQ(post("/files/folder").status, 400);
}

TEST_F(Files, DeleteNeedsRecursiveForDirectories) {
  fs::create_directories("d/e");
  put(at("d/e/f"), "");
  put(at("kept"), "kept");
  fs::create_symlink(at("kept"), "d/link");
  EXPECT_EQ(call("DELETE", "/files?path=d").status, 400);
  EXPECT_EQ(call("DELETE", "/files?path=d&recursive=1").status, 400);
  EXPECT_EQ(call("DELETE", "/files?path=d/.&recursive=true").status, 400);
  Reply done = call("DELETE", "/files?path=d&recursive=true");
  EXPECT_EQ(done.status, 204);
  EXPECT_EQ(done.body, "");
  EXPECT_FALSE(fs::exists("d"));
  EXPECT_EQ(content(at("kept")), "kept");
  EXPECT_EQ(call("DELETE", "/files?path=d").status, 404);
  EXPECT_EQ(call("DELETE", "/files/?path=kept").status, 204);
  fs::create_directory("real");
  fs::create_directory_symlink("real", "to");
  EXPECT_EQ(call("DELETE", "/files?path=to").status, 400);
  EXPECT_EQ(call("DELETE", "/files?path=to&recursive=true").status, 204);
  EXPECT_TRUE(fs::exists("real"));
}

TEST_F(Files, MoveNeverOverwrites) {
  put(at("a"), "A");
  put(at("b"), "B");
  EXPECT_EQ(post("/files/move?source=a&destination=b").status, 409);
  EXPECT_EQ(content("b"), "B");
  EXPECT_EQ(post("/files/move?source=none&destination=c").status, 404);
  EXPECT_EQ(post("/files/move?source=a&destination=no/c").status, 404);
  Reply moved = post("/files/move?source=a&destination=c");
  EXPECT_EQ(moved.status, 200);
  EXPECT_EQ(moved.body, "");
  EXPECT_EQ(content("c"), "A");
  EXPECT_EQ(post("/files/move?source=c").status, 400);
}

TEST_F(Files, MoveCopiesAcrossFileSystems) {
  struct stat here{}, there{};
  ::stat(".", &here);
  if (::stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev) GTEST_SKIP() << "one file system only";
  fs::create_directories("t/u");
  put(at("t/u/f"), "data");
  ::chmod("t/u/f", 0640);
  fs::create_symlink("u/f", "t/l");
  std::string to = "/dev/shm/" + fs::path(dir_).filename().string();
  EXPECT_EQ(post("/files/move?source=t&destination=" + to).status, 200);
  EXPECT_FALSE(fs::exists("t"));
  EXPECT_EQ(content(to + "/l"), "data");
  EXPECT_EQ(mode_of(to + "/u/f"), 0640u);
  fs::remove_all(to);
}

TEST_F(Files, Permissions) {
  put(at("f"), "");
  EXPECT_EQ(post("/files/permissions?path=f&mode=0600").status, 200);
  EXPECT_EQ(mode_of("f"), 0600u);
  EXPECT_EQ(post("/files/permissions?path=f&owner=root&group=root").status, ::geteuid() == 0 ? 200 : 400);
  EXPECT_EQ(post("/files/permissions?path=f&owner=no-such-user").status, 400);
  EXPECT_EQ(post("/files/permissions?path=f&mode=rwx").status, 400);
  EXPECT_EQ(post("/files/permissions?path=f").status, 200);
  EXPECT_EQ(post("/files/permissions?path=none&mode=600").status, 404);
  EXPECT_EQ(user_id("root"), 0u);
  EXPECT_EQ(user_id("12"), 12u);
  EXPECT_EQ(user_id("-1"), std::nullopt);
}

// --- download
// ------------------------------------------------------------------------------------------------------------

TEST_F(Files, DownloadWithHeaders) {
  std::string name = "a \"b\" \xC3\xA9 \xE2\x82\xAC.txt";
  put(at(name), "0123456789");
  Reply r = get("/files/download?path=" + percent_encode(at(name)));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "0123456789");
  EXPECT_EQ(r.headers.get_or("Content-Type"), "application/octet-stream");
  EXPECT_EQ(r.headers.get_or("Content-Length"), "10");
  EXPECT_EQ(r.headers.get_or("Accept-Ranges"), "bytes");
  EXPECT_EQ(r.headers.get_or("Content-Disposition"),
            "attachment; filename=\"a \\\"b\\\" \xE9 _.txt\"; "
            "filename*=utf-8''a%20%22b%22%20%C3%A9%20%E2%82%AC.txt");
  Headers since;
  since.set("If-Modified-Since", std::string(r.headers.get_or("Last-Modified")));
  EXPECT_EQ(call("GET", "/files/download?path=" + percent_encode(at(name)), "", since).status, 304);
}

TEST_F(Files, DownloadRanges) {
  put(at("f"), "0123456789");
  auto range = [&](std::string value) {
    Headers headers;
    headers.set("Range", std::move(value));
    return call("GET", "/files/download?path=f", "", headers);
  };
  Reply r = range("bytes=2-4");
  EXPECT_EQ(r.status, 206);
  EXPECT_EQ(r.body, "234");
  EXPECT_EQ(r.headers.get_or("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(range("bytes=7-").body, "789");
  EXPECT_EQ(range("bytes=-3").body, "789");
  EXPECT_EQ(range("bytes=8-100").body, "89");
  EXPECT_EQ(range("lines=1-2").body, "0123456789");
  r = range("bytes=10-");
  EXPECT_EQ(r.status, 416);
  EXPECT_EQ(r.headers.get_or("Content-Range"), "bytes */10");
}

TEST_F(Files, DownloadRefusesWhatIsNoFile) {
  ::mkfifo("fifo", 0600);
  EXPECT_EQ(get("/files/download?path=fifo").status, 400);
  EXPECT_EQ(get("/files/download?path=.").status, 400);
  EXPECT_EQ(get("/files/download?path=none").status, 404);
  EXPECT_EQ(get("/files/download?path=a%00b").status, 400);
  EXPECT_EQ(get("/files/download").status, 400);
  EXPECT_NE(get("/files/download?path=/proc/self/status").body.find("Pid:"), std::string::npos);
}

TEST_F(Files, NamesThatAreNotUtf8) {
  std::string name = "x\xFFy";
  put(at(name), "odd");
  EXPECT_EQ(get("/files/download?path=x%FFy").body, "odd");
  EXPECT_EQ(json(get("/files")).at(0).at("name"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(call("DELETE", "/files?path=x%FFy").status, 204);
}

TEST_F(Files, BulkDownloadFormat) {
  put(at("a.txt"), "AAA");
  put(at("empty"), "");
  fs::create_directory("dir");
  Reply r = post("/files/bulk-download", R"({"paths":["a.txt","empty","none","","dir"]})");
  EXPECT_EQ(r.status, 200);
  std::string type(r.headers.get_or("Content-Type"));
  ASSERT_TRUE(type.starts_with("multipart/form-data; boundary=DAYTONA-"));
  std::string boundary = type.substr(type.find('=') + 1);
  EXPECT_NE(post("/files/bulk-download", R"({"paths":["empty"]})").headers.get_or("Content-Type"), type);
  auto part = [&](std::string name, std::string path) {
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + path +
           "\"; filename*=utf-8''" + path + "\r\n";
  };
  std::string start =
      part("file", "a.txt") + "Content-Length: 3\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAAA\r\n" +
      part("file", "empty") + "Content-Length: 0\r\nContent-Type: application/octet-stream\r\n\r\n\r\n" +
      part("error", "none") + "Content-Type: application/json; charset=utf-8\r\n\r\n{\"statusCode\":404,";
  EXPECT_EQ(r.body.substr(0, start.size()), start);
  EXPECT_NE(r.body.find("\"message\":\"file not found: none\",\"code\":\"FILE_NOT_FOUND\""),
            std::string::npos);
  EXPECT_NE(r.body.find("\"message\":\"invalid file path: path is empty\",\"code\":\"INVALID_FILE_PATH\""),
            std::string::npos);
  EXPECT_NE(r.body.find("invalid file path: path points to a directory: dir"), std::string::npos);
  EXPECT_TRUE(r.body.ends_with("}\r\n--" + boundary + "--\r\n"));
}

TEST_F(Files, BulkDownloadWantsPaths) {
  for (const char* body : {"", "{", "{}", R"({"paths":[]})", R"({"paths":[1]})"}) {
    Reply r = post("/files/bulk-download", body);
    EXPECT_EQ(r.status, 400) << body;
    EXPECT_EQ(member(r, "error"), "request body must be {\"paths\": [ ... ]} and non-empty");
  }
}

// --- upload
// ----------------------------------------------------------------------------------------------------------------

TEST_F(Files, UploadMakesParentsAndKeepsModes) {
  auto upload = [&](std::string path, std::string text) {
    return call("POST", "/files/upload?path=" + percent_encode(path), form({{"file", text}}), form_headers());
  };
  Reply r = upload("p/q/f", "one");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(content("p/q/f"), "one");
  EXPECT_EQ(mode_of("p/q/f"), 0644u);
  EXPECT_EQ(mode_of("p/q"), 0750u);
  ::chmod("p/q/f", 0700);
  EXPECT_EQ(upload("p/q/f", "2").status, 200);
  EXPECT_EQ(content("p/q/f"), "2");
  EXPECT_EQ(mode_of("p/q/f"), 0700u);
  EXPECT_EQ(upload("p/q", "x").status, 400);
  EXPECT_TRUE(fs::is_directory("p/q"));
  EXPECT_EQ(upload("", "x").status, 400);
  EXPECT_EQ(upload("p/q/f/below", "x").status, 400);
  EXPECT_EQ(call("POST", "/files/upload?path=f", "raw").status, 400);
  EXPECT_EQ(call("POST", "/files/upload?path=f", form({{"other", "x"}}), form_headers()).status, 400);
  EXPECT_FALSE(fs::exists("f"));
}

TEST_F(Files, UploadWritesThroughLinks) {
  put(at("target"), "old");
  fs::create_symlink("target", "link");
  fs::create_symlink("new", "dangling");
  fs::create_hard_link("target", "hard");
  call("POST", "/files/upload?path=link", form({{"file", "via"}}), form_headers());
  EXPECT_TRUE(fs::is_symlink("link"));
  EXPECT_EQ(content("target"), "via");
  EXPECT_EQ(content("hard"), "via");
  call("POST", "/files/upload?path=dangling", form({{"file", "made"}}), form_headers());
  EXPECT_TRUE(fs::is_symlink("dangling"));
  EXPECT_EQ(content("new"), "made");
  fs::create_symlink("loop", "loop");
  EXPECT_EQ(call("POST", "/files/upload?path=loop", form({{"file", "x"}}), form_headers()).status, 400);
}

TEST_F(Files, UploadToSpecialFiles) {
  ::mkfifo("fifo", 0600);
  EXPECT_EQ(call("POST", "/files/upload?path=fifo", form({{"file", "x"}}), form_headers()).status, 400);
  EXPECT_EQ(call("POST", "/files/upload?path=/dev/null", form({{"file", "x"}}), form_headers()).status, 200);
  EXPECT_EQ(call("POST", "/files/upload?path=/dev/full", form({{"file", "x"}}), form_headers()).status, 400);
}

TEST_F(Files, AbortedUploadLeavesTheOldFile) {
  put(at("f"), "old");
  std::string whole = form({{"file", std::string(600'000, 'n')}});
  Reply r = call("POST", "/files/upload?path=f", whole.substr(0, whole.size() - 20), form_headers());
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(content("f"), "old");
  r = call("POST", "/files/upload?path=g", whole.substr(0, 400'000), form_headers());
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(std::distance(fs::directory_iterator("."), {}), 1);
}

TEST_F(Files, UploadV2TakesRawBodies) {
  Reply r = call("POST", "/files/upload-v2?path=d/raw.bin", "raw bytes");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(json(r), bj::parse(R"({"name":"raw.bin","path":"d/raw.bin","type":"file"})"));
  EXPECT_EQ(content("d/raw.bin"), "raw bytes");
  r = call("POST", "/files/upload-v2?path=f", form({{"file", "x"}}), form_headers());
  EXPECT_EQ(content("f"), "x");
  EXPECT_EQ(call("POST", "/files/upload-v2?path=empty").status, 200);
  EXPECT_TRUE(fs::exists("empty"));
}

TEST_F(Files, BulkUploadPairsByIndex) {
  Reply r = call("POST", "/files/bulk-upload",
                 form({{"files[1].path", " b/two "},
                       {"files[0].path", "one"},
                       {"files[0].file", "1"},
                       {"files[1].file", "22"}}),
                 form_headers());
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, R"({"files":[{"path":"one","bytes":1},{"path":"b/two","bytes":2}]})");
  EXPECT_EQ(content("one"), "1");
  EXPECT_EQ(content("b/two"), "22");
  EXPECT_EQ(mode_of("b"), 0755u);
  EXPECT_EQ(call("POST", "/files/bulk-upload", "--B--\r\n", form_headers()).body, R"({"files":[]})");
}

TEST_F(Files, BulkUploadReportsEachFailure) {
  fs::create_directory("dir");
  Reply r = call("POST", "/files/bulk-upload",
                 form({{"files[0].path", "dir"},
                       {"files[0].file", "x"},
                       {"files[1].file", "y"},
                       {"files[2].path", " "},
                       {"files[3].path", "good"},
                       {"files[3].file", "z"},
                       {"unknown", "-"}}),
                 form_headers());
  EXPECT_EQ(r.status, 400);
  bj::value body = json(r);
  EXPECT_EQ(body.at("errors").as_array().size(), 3u) << r.body;
  EXPECT_EQ(body.at("errors").at(1), "file[1]: missing .path metadata");
  EXPECT_EQ(body.at("errors").at(2), "path[2]: empty path");
  EXPECT_EQ(body.at("files"), bj::parse(R"([{"path":"good","bytes":1}])"));
  EXPECT_EQ(body.at("statusCode"), 400);
  EXPECT_EQ(content("good"), "z");
  r = call("POST", "/files/bulk-upload", "no form");
  EXPECT_EQ(json(r).at("errors").at(0), "invalid multipart form");
  std::string whole = form({{"files[0].path", "t"}, {"files[0].file", "text"}});
  r = call("POST", "/files/bulk-upload", whole.substr(0, whole.size() - 8), form_headers());
  EXPECT_EQ(r.status, 400);
  EXPECT_FALSE(fs::exists("t"));
}

TEST_F(Files, BigFilesPassThrough) {
  std::string big(24u << 20, '\0');
  for (size_t i = 0; i < big.size(); i += 997) big[i] = static_cast<char>(i);
  EXPECT_EQ(call("POST", "/files/bulk-upload", form({{"files[0].path", "big"}, {"files[0].file", big}}),
                 form_headers())
                .status,
            200);
  EXPECT_TRUE(content("big") == big);
  Reply r = get("/files/download?path=big");
  EXPECT_TRUE(r.body == big);
  Reply bulk = post("/files/bulk-download", R"({"paths":["big"]})");
  EXPECT_NE(bulk.body.find("Content-Length: 25165824\r\n"), std::string::npos);
  EXPECT_TRUE(bulk.body.find(big) != std::string::npos);
}

// --- search
// ----------------------------------------------------------------------------------------------------------------

TEST_F(Files, FindSearchReplace) {
  fs::create_directory("d");
  put(at("d/a.txt"), "one\r\ntwo needle\nneedle three\n");
  put(at("d/b.bin"), std::string("needle\0", 7));
  EXPECT_EQ(
      get("/files/find?path=d&pattern=needle").body,
      R"([{"file":"d/a.txt","line":2,"content":"two needle"},{"file":"d/a.txt","line":3,"content":"needle three"}])");
  EXPECT_EQ(get("/files/find?path=none&pattern=x").body, "[]");
  EXPECT_EQ(get("/files/search?path=" + dir_ + "&pattern=*.txt").body,
            "{\"files\":[\"" + at("d/a.txt") + "\"]}");
  EXPECT_EQ(get("/files/search?path=none&pattern=*").body, R"({"files":[]})");
  Reply r = post("/files/replace", R"({"files":["d/a.txt","none"],"pattern":"needle","newValue":""})");
  EXPECT_EQ(json(r).at(0).at("success"), true);
  EXPECT_EQ(json(r).at(1).at("success"), false);
  EXPECT_EQ(content("d/a.txt"), "one\r\ntwo \n three\n");
  EXPECT_EQ(post("/files/replace", R"({"files":[],"pattern":"a"})").status, 400);
}

TEST_F(Files, FindTakesLinesOfAnyLength) {
  put(at("long"),
      "head\n" + std::string(200'000, 'x') + "mark\r\n" + std::string(3'000'000, 'y') + "\nmark again");
  boost::json::array found = json(get("/files/find?path=long&pattern=mark")).as_array();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at("line"), 2);
  EXPECT_EQ(found[0].at("content").as_string().size(), 200'004u);
  EXPECT_EQ(found[1].at("line"), 4);
  EXPECT_EQ(found[1].at("content"), "mark again");
}

TEST(Glob, MatchesWholeNames) {
  EXPECT_TRUE(glob_match("*.tx?", "a.b.txt"));
  EXPECT_FALSE(glob_match("*.tx", "a.txt"));
  EXPECT_TRUE(glob_match("[a-c]*[^0-9]", "bx"));
  EXPECT_FALSE(glob_match("[a-c]*[^0-9]", "b9"));
  EXPECT_TRUE(glob_match("a\\*", "a*"));
  EXPECT_FALSE(glob_match("[a", "a"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", ""));
}

TEST(ModeText, TypesComeFirst) {
  EXPECT_EQ(mode_text(S_IFREG | 0644), "-rw-r--r--");
  EXPECT_EQ(mode_text(S_IFDIR | S_ISVTX | 0777), "dtrwxrwxrwx");
  EXPECT_EQ(mode_text(S_IFCHR | 0620), "Dcrw--w----");
  EXPECT_EQ(mode_text(S_IFIFO | 0600), "prw-------");
}

}  // namespace
}  // namespace dt::daemon
