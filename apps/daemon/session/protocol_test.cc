// Versions of SDKs, lines for shells, reports of shells, durations.
#include <gtest/gtest.h>

#include "apps/daemon/session/duration.h"
#include "apps/daemon/session/sdk_version.h"
#include "apps/daemon/session/shell_protocol.h"

namespace dt::daemon {
namespace {

Request request(std::initializer_list<std::pair<std::string_view, std::string_view>> headers) {
  Request out;
  for (auto [name, value] : headers) out.headers.add(name, std::string(value));
  return out;
}
LogForm form_of(std::string_view version, LogUse use = LogUse::command) {
  return log_form(request({{"X-Daytona-SDK-Version", version}}), use);
}

TEST(SdkVersion, TheTableOfTheContract) {
  struct Row {
    const char* version;
    bool combined, split, home;
  };
  for (Row row : {Row{"0.26.9", true, false, true}, Row{"0.27.0", false, false, true},
                  Row{"0.27.0-alpha.1", false, false, true}, Row{"0.102.9", false, false, true},
                  Row{"0.103.0", false, false, false}, Row{"0.103.0-rc1", false, false, false},
                  Row{"0.166.5", false, false, false}, Row{"0.167.0", false, true, false},
                  Row{"0.167.0rc1", false, true, false}, Row{"v0.190.0", false, true, false},
                  Row{"1.0", false, true, false}, Row{"0.0.0-dev", false, true, false},
                  Row{"v0.0.0-dev", false, true, true}, Row{"0.20.0-dev", false, true, true},
                  Row{"nonsense", false, false, false}, Row{"1.2.3.4", false, false, false},
                  Row{"99999999999999999999.1.1", false, false, false}, Row{"", true, false, false}}) {
    EXPECT_EQ(form_of(row.version).combined, row.combined) << row.version;
    EXPECT_EQ(form_of(row.version).split, row.split) << row.version;
    EXPECT_EQ(starts_at_home(SdkVersion(row.version)), row.home) << row.version;
    EXPECT_FALSE(form_of(row.version, LogUse::entrypoint).combined) << row.version;
  }
}

TEST(SdkVersion, WithoutAVersion) {
  EXPECT_TRUE(log_form(request({}), LogUse::command).combined);
  EXPECT_FALSE(log_form(request({{"X-Daytona-Split-Output", "true"}}), LogUse::command).combined);
  EXPECT_TRUE(log_form(request({{"X-Daytona-Split-Output", "yes"}}), LogUse::command).combined);
  EXPECT_FALSE(log_form(request({{"X-Daytona-Split-Output", "true"}}), LogUse::command).split);
}

TEST(SdkVersion, JavaGetsMarkersOnItsStreams) {
  auto java = [](LogUse use) { return log_form(request({{"User-Agent", "okhttp/4.12.0"}}), use).combined; };
  EXPECT_FALSE(java(LogUse::command_stream));
  EXPECT_TRUE(java(LogUse::command));
  Request asked = request({{"User-Agent", "okhttp/4.12.0"}, {"X-Daytona-Split-Output", "false"}});
  EXPECT_TRUE(log_form(asked, LogUse::command_stream).combined);
}

TEST(SdkVersion, FromTheSubProtocol) {
  Request r = request({{"Sec-WebSocket-Protocol", "chat, X-Daytona-SDK-Version~0.26.0"}});
  EXPECT_EQ(version_protocol(r), "X-Daytona-SDK-Version~0.26.0");
  EXPECT_TRUE(log_form(r, LogUse::command_stream).combined);
  r.headers.set("X-Daytona-SDK-Version", "0.190.0");
  EXPECT_FALSE(log_form(r, LogUse::command_stream).combined);
}

TEST(ShellProtocol, Lines) {
  EXPECT_EQ(shell_family("/usr/bin/bash"), ShellFamily::bash);
  EXPECT_EQ(shell_family("zsh"), ShellFamily::zsh);
  EXPECT_EQ(shell_family("/bin/dash"), ShellFamily::posix);
  EXPECT_TRUE(speaks_posix("/bin/ash"));
  EXPECT_FALSE(speaks_posix("/usr/bin/fish"));
  ShellCommand command{.script = "/it's/cmd.sh", .input = "", .output = "/o", .errors = "/e", .token = "T"};
  EXPECT_EQ(shell_line(ShellFamily::posix, command),
            "{ \\command . '/it'\\''s/cmd.sh'; } <'/dev/null' >|'/o' 2>|'/e'; __daytona_report T \"$?\"\n");
}

TEST(ShellProtocol, Reports) {
  ReportReader reader;
  EXPECT_FALSE(reader.feed("noise\nTOKEN", "TOKEN"));
  EXPECT_EQ(reader.feed(" 7\n", "TOKEN"), 7);
  EXPECT_FALSE(reader.feed("TOKEN 1\nTOKEN x\n", "OTHER"));
  EXPECT_FALSE(reader.feed("TOKENS 1\n TOKEN 1\n", "TOKEN"));
  EXPECT_FALSE(reader.feed(" 1\n 0\n", ""));
  EXPECT_FALSE(reader.feed(std::string(100'000, 'x'), "TOKEN"));
  EXPECT_EQ(reader.feed("\nTOKEN 255\nTOKEN 3", "TOKEN"), 255);
}

TEST(Duration, Texts) {
  EXPECT_EQ(parse_duration("5s"), Millis(5000));
  EXPECT_EQ(parse_duration("1m30s"), Millis(90'000));
  EXPECT_EQ(parse_duration("1.5h"), Millis(5'400'000));
  EXPECT_EQ(parse_duration("250ms"), Millis(250));
  EXPECT_EQ(parse_duration("0"), Millis(0));
  EXPECT_EQ(parse_duration("1500us"), Millis(1));
  for (const char* bad : {"", "5", "s", "5x", "-5s", "1.2.3s", "5s ", "9999999999999h"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

}  // namespace
}  // namespace dt::daemon
