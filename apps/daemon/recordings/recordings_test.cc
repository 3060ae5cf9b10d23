// Recordings of a real screen (Xvfb) by the ffmpeg of this machine, and by programs that only pretend to be
// one.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "apps/daemon/recordings/recording.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

// Writes what it was called with, reports, and ends with `q`. Its name is its mode.
constexpr const char* kFfmpeg = R"(#!/bin/sh
for file; do :; done
printf '%s\n' "$@" > "$PRETEND_DIR/arguments"
echo $$ > "$PRETEND_DIR/pid"
case $PRETEND in
  no-display) echo '[x11grab] Cannot open display :7, error 1.' >&2; exit 1 ;;
  dies) printf x > "$file"; echo frame=1; read line < "$PRETEND_DIR/die"; exit 1 ;;
  stubborn) trap '' TERM; printf x > "$file"; echo frame=1; while :; do sleep 1000 & wait; done ;;
esac
printf 'film' > "$file"
yes frame=1 | head -100000
yes trouble | head -100000 >&2
exec 3<&0
key=$(dd bs=1 count=1 <&3 2>/dev/null)
[ "$key" = q ] && printf ' whole' >> "$file"
)";

class Recordings : public DaemonTest {
 protected:
  explicit Recordings(std::string mode = "") : mode_(std::move(mode)) {}

  void configure(Config& config) override {
    old_path_ = ::getenv("PATH");
    old_home_ = ::getenv("HOME") ? ::getenv("HOME") : "/";
    fs::create_directories(at("bin"));
    put(at("bin/ffmpeg"), kFfmpeg);
    fs::permissions(at("bin/ffmpeg"), fs::perms::all);
    ::mkfifo(at("die").c_str(), 0600);
    ::setenv("PATH", (at("bin") + ":" + old_path_).c_str(), 1);
    ::setenv("HOME", dir_.c_str(), 1);
    ::setenv("PRETEND", mode_.c_str(), 1);
    ::setenv("PRETEND_DIR", dir_.c_str(), 1);
    config.environment = environ;
  }
  void TearDown() override {
    DaemonTest::TearDown();
    ::setenv("PATH", old_path_.c_str(), 1);
    ::setenv("HOME", old_home_.c_str(), 1);
    for (const char* name : {"PRETEND", "PRETEND_DIR"}) ::unsetenv(name);
  }

  static constexpr const char* kAt = "/computeruse/recordings";
  static std::string target(const std::string& rest) { return kAt + rest; }
  Reply start(bj::object body = {}) { return post(target("/start"), bj::serialize(body)); }
  Reply stop(const std::string& id) { return post(target("/stop"), bj::serialize(bj::object{{"id", id}})); }
  std::string started(bj::object body = {}) {
    Reply reply = start(std::move(body));
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.status == 201 ? member(reply, "id") : "";
  }
  bj::array list() {
    Reply reply = get(kAt);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json(reply).at("recordings").as_array();
  }
  std::string error(const Reply& reply) { return member(reply, "error"); }
  std::string folder() const { return at(".daytona/recordings"); }
  Reply page(std::string method, std::string path, std::string body = "") {
    return call(std::move(method), "/proxy/33333" + path, std::move(body));
  }
  // Gone, or dead and not reaped any more.
  bool lives(const std::string& pid) const {
    std::string text = content("/proc/" + pid + "/stat");
    return !text.empty() && text[text.rfind(')') + 2] != 'Z';
  }
  static Task<void> pause() { co_await Loop::current().sleep_for(Millis(10)); }

  std::string mode_, old_path_, old_home_;
};

class NoDisplay : public Recordings {
 protected:
  NoDisplay() : Recordings("no-display") {}
};
class DyingRecorder : public Recordings {
 protected:
  DyingRecorder() : Recordings("dies") {}
};
class StubbornRecorder : public Recordings {
 protected:
  StubbornRecorder() : Recordings("stubborn") {}
};

TEST_F(Recordings, OneFromStartToDeletion) {
  EXPECT_EQ(list().size(), 0u);
  Reply reply = start({{"label", "first try"}});
  ASSERT_EQ(reply.status, 201) << reply.body;
  std::string id = member(reply, "id"), name = member(reply, "fileName");
  EXPECT_TRUE(is_uuid(id));
  EXPECT_TRUE(name.starts_with(id + "_first try_2")) << name;
  EXPECT_EQ(member(reply, "filePath"), folder() + "/" + name);
  EXPECT_EQ(member(reply, "status"), "recording");
  EXPECT_FALSE(json(reply).as_object().contains("endTime"));
  EXPECT_NE(content(at("arguments")).find("-f\nx11grab\n-framerate\n30\n-i\n"), std::string::npos);
  EXPECT_NE(content(at("arguments")).find("-c:v\nlibx264\n-preset\nultrafast\n"), std::string::npos);

  EXPECT_EQ(list().at(0).at("status"), "recording");
  Reply refused = call("DELETE", target("/" + id));
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(error(refused), "cannot delete an active recording, stop it first");
  EXPECT_EQ(member(refused, "code"), "RECORDING_STILL_ACTIVE");

  Reply stopped = stop(id);
  ASSERT_EQ(stopped.status, 200) << stopped.body;
  EXPECT_EQ(member(stopped, "status"), "completed");
  EXPECT_EQ(json(stopped).at("sizeBytes"), 10) << stopped.body;
  EXPECT_TRUE(json(stopped).at("durationSeconds").is_number());
  EXPECT_EQ(content(member(stopped, "filePath")), "film whole");
  EXPECT_EQ(stop(id).status, 404);

  Reply told = get(target("/" + id));
  EXPECT_EQ(member(told, "status"), "completed");
  EXPECT_EQ(list().size(), 1u);
  EXPECT_EQ(call("DELETE", target("/" + id)).status, 204);
  EXPECT_EQ(error(get(target("/" + id))), "recording not found");
  EXPECT_EQ(call("DELETE", target("/" + id)).status, 404);
  EXPECT_EQ(list().size(), 0u);
}

TEST_F(Recordings, SeveralAtOnceAndAsk) {
  std::string one = started({{"label", "a"}}), two = started();
  EXPECT_NE(one, two);
  EXPECT_EQ(list().size(), 2u);
  EXPECT_NE(member(get(target("/" + two)), "fileName").find("_session_"), std::string::npos);
  EXPECT_EQ(stop(one).status, 200);
  EXPECT_EQ(list().at(0).at("id"), bj::value(two)) << "those that go on come first";
  EXPECT_EQ(stop(two).status, 200);
}

TEST_F(Recordings, Refusals) {
  for (std::string label : {" ", ".hidden", "a/b", "a\\b", "é", "a:b", "a\"b"}) {
    Reply reply = start({{"label", label}});
    EXPECT_EQ(reply.status, 400) << label;
    EXPECT_EQ(error(reply), "invalid_label");
    EXPECT_TRUE(member(reply, "message").starts_with("invalid label: must be 1-100 characters"))
        << reply.body;
  }
  EXPECT_EQ(start({{"label", std::string(101, 'x')}}).status, 400);
  std::string longest = started({{"label", std::string(100, 'x')}});
  EXPECT_EQ(stop(longest).status, 200);
  for (std::string body : {"", "{", "{}", R"({"id":""})", R"({"id":5})"}) {
    Reply reply = post(target("/stop"), body);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(error(reply), "invalid request: id is required");
  }
  EXPECT_EQ(error(stop("nobody")), "recording not found");
  EXPECT_EQ(get(target("/nobody/download")).status, 404);
  Reply unreadable = post(target("/start"), "{nonsense");
  EXPECT_EQ(unreadable.status, 201);
  EXPECT_EQ(stop(member(unreadable, "id")).status, 200);
}

TEST_F(Recordings, WithoutFfmpeg) {
  bj::object change{{"set", {{"PATH", at("empty")}}}};
  EXPECT_EQ(post("/env", bj::serialize(change)).status, 200);
  Reply reply = start();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(error(reply), "ffmpeg_not_found");
  EXPECT_EQ(member(reply, "message"),
            "FFmpeg must be installed and available in PATH to use screen recording");
  EXPECT_EQ(member(reply, "code"), "RECORDING_FFMPEG_NOT_FOUND");
  EXPECT_EQ(member(reply, "source"), "DAYTONA_DAEMON");
}

TEST_F(NoDisplay, IsToldAtTheStart) {
  Reply reply = start();
  EXPECT_EQ(reply.status, 500);
  EXPECT_NE(error(reply).find("Cannot open display :7"), std::string::npos) << reply.body;
  EXPECT_EQ(list().size(), 0u);
}

TEST_F(DyingRecorder, LeavesAFailedRecording) {
  std::string id = started();
  put(at("die"), "now\n");
  for (int i = 0; i < 500 && list().at(0).at("status") == "recording"; ++i) loop_.run_until(pause());
  EXPECT_EQ(member(get(target("/" + id)), "status"), "failed");
  EXPECT_EQ(member(stop(id), "status"), "failed");
  EXPECT_EQ(call("DELETE", target("/" + id)).status, 204);
}

TEST_F(StubbornRecorder, IsKilledWithTheDaemon) {
  started();
  std::string pid = content(at("pid"));
  pid.pop_back();
  EXPECT_TRUE(lives(pid));
  daemon_->stop();
  for (int i = 0; i < 1000 && lives(pid); ++i) loop_.run_until(pause());
  EXPECT_FALSE(lives(pid));
}

TEST_F(Recordings, FilesOfOthersAndRanges) {
  fs::create_directories(folder());
  put(folder() + "/film.mp4", "0123456789");
  put(folder() + "/notes.txt", "not a film");
  fs::create_symlink("/etc/passwd", folder() + "/link.mp4");
  bj::array all = list();
  ASSERT_EQ(all.size(), 1u);
  std::string id(all[0].at("id").as_string());
  EXPECT_EQ(id[14], '5') << "a version 5 UUID";
  EXPECT_EQ(all[0].at("startTime"), all[0].at("endTime"));
  Reply whole = get(target("/" + id + "/download"));
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  EXPECT_EQ(whole.headers.get_or("Content-Type"), "video/mp4");
  EXPECT_FALSE(whole.headers.get("Content-Disposition"));
  Headers headers;
  headers.set("Range", "bytes=2-4");
  Reply part = call("GET", target("/" + id + "/download"), "", headers);
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.headers.get_or("Content-Range"), "bytes 2-4/10");
  headers.set("Range", "bytes=20-");
  Reply beyond = call("GET", target("/" + id + "/download"), "", headers);
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.get_or("Content-Range"), "bytes */10");
}

TEST_F(Recordings, ThePage) {
  Reply html = page("GET", "/");
  EXPECT_EQ(html.status, 200);
  EXPECT_EQ(html.headers.get_or("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(html.body.find("<title>Recordings</title>"), std::string::npos);
  std::string id = started({{"label", "a b"}});
  std::string name = member(stop(id), "fileName");
  EXPECT_EQ(json(page("GET", "/api/recordings")).at("recordings").as_array().size(), 1u);
  Reply film = page("GET", "/videos/" + percent_encode(name));
  EXPECT_EQ(film.status, 200) << film.body;
  EXPECT_EQ(film.body, "film whole");
  put(at("secret.mp4"), "secret");
  put(folder() + "/other.txt", "secret");
  for (std::string path :
       {"..%2F..%2Fsecret.mp4", "%2e%2e/%2e%2e/secret.mp4", "../../secret.mp4", "a%2F..%2Fb.mp4"}) {
    Reply refused = page("GET", "/videos/" + path);
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_EQ(error(refused), "access denied");
  }
  EXPECT_EQ(page("GET", "/videos/" + percent_encode(folder() + "/" + name)).status, 403);
  EXPECT_EQ(page("GET", "/videos/other.txt").status, 404);
  EXPECT_EQ(error(page("GET", "/videos/nobody.mp4")), "file not found");
  EXPECT_EQ(page("GET", "/nowhere").status, 404);
  for (std::string body : {"", "[]", "{}", R"({"ids":"x"})", R"({"ids":[5]})"}) {
    Reply refused = page("DELETE", "/api/recordings", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(error(refused), "invalid request");
  }
  Reply removed = page("DELETE", "/api/recordings", R"({"ids":[")" + id + R"(","nobody"]})");
  EXPECT_EQ(removed.body, R"({"deleted":[")" + id + R"("],"failed":["nobody"]})");
  EXPECT_EQ(list().size(), 0u);
}

// --- the real thing
// --------------------------------------------------------------------------------------------------------

class RealScreen : public DaemonTest {
 protected:
  void configure(Config& config) override {
    ::setenv("DAYTONA_RECORDINGS_DIR", at("films").c_str(), 1);
    config.environment = environ;
  }
  // The X server says which display it took.
  void SetUp() override {
    DaemonTest::SetUp();
    std::string display = execute(
                              "mkfifo taken; Xvfb -displayfd 1 -screen 0 321x241x24 -noreset -nolisten tcp > "
                              "taken 2> /dev/null & "
                              "echo $! > xvfb.pid; head -n 1 taken")
                              .result;
    ASSERT_FALSE(display.empty()) << "no Xvfb";
    bj::object change{{"set", {{"DISPLAY", ":" + std::string(trim(display))}}}};
    ASSERT_EQ(post("/env", bj::serialize(change)).status, 200);
  }
  void TearDown() override {
    if (auto pid = parse_int(trim(content(at("xvfb.pid"))))) ::kill(static_cast<pid_t>(*pid), SIGKILL);
    DaemonTest::TearDown();
    ::unsetenv("DAYTONA_RECORDINGS_DIR");
  }
};

TEST_F(RealScreen, IsRecordedAndCanBePlayed) {
  Reply reply = post("/computeruse/recordings/start", R"({"label":"real"})");
  ASSERT_EQ(reply.status, 201) << reply.body;
  Reply stopped = post("/computeruse/recordings/stop", R"({"id":")" + member(reply, "id") + R"("})");
  ASSERT_EQ(stopped.status, 200) << stopped.body;
  EXPECT_EQ(member(stopped, "status"), "completed");
  EXPECT_TRUE(member(stopped, "filePath").starts_with(at("films/")));
  Ran probed = execute("ffprobe -v error -show_entries stream=codec_name,width,height,pix_fmt -of csv=p=0 '" +
                       member(stopped, "filePath") + "'");
  EXPECT_EQ(probed.result, "h264,322,242,yuv420p\n");
  EXPECT_EQ(execute("ffmpeg -v error -i '" + member(stopped, "filePath") + "' -f null -").exit_code, 0);
}

TEST_F(RealScreen, ADisplayThatIsNotThereIsTold) {
  EXPECT_EQ(post("/env", R"({"set":{"DISPLAY":":989"}})").status, 200);
  Reply reply = post("/computeruse/recordings/start");
  EXPECT_EQ(reply.status, 500);
  EXPECT_NE(member(reply, "message").find("is a desktop running? "), std::string::npos) << reply.body;
  EXPECT_NE(member(reply, "message").find(":989"), std::string::npos) << reply.body;
  EXPECT_EQ(get("/computeruse/recordings").body, R"({"recordings":[]})");
}

TEST(RecordingNames, TellIdAndStart) {
  using namespace recordings;
  std::string name = new_file_name("11111111-2222-4333-8444-555555555555", "a_b c", {1'780'315'200, 0});
  EXPECT_EQ(name, "11111111-2222-4333-8444-555555555555_a_b c_20260601_120000.mp4");
  EXPECT_EQ(start_of(name), 1'780'315'200);
  EXPECT_EQ(id_of("/x/" + name), "11111111-2222-4333-8444-555555555555");
  for (std::string other : {"x.mp4", "11111111-2222-4333-8444-555555555555.mp4",
                            "11111111-2222-4333-8444-555555555555_a_2026060a_120000.mp4"})
    EXPECT_FALSE(start_of(other)) << other;
  // python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, "/x/film.mp4"))'
  EXPECT_EQ(id_of("/x/film.mp4"), "a98ebdb0-e271-53d5-b83a-4ead004048fb");
}

}  // namespace
}  // namespace dt::daemon
