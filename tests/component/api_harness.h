// An API in a process of its own (so that it can be killed), a client, and a runner that follows a script:
// both speak HTTP.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "apps/api/api.h"
#include "libs/base/log.h"
#include "libs/contract/job.h"
#include "libs/contract/runner.h"
#include "libs/contract/sandbox.h"
#include "libs/net/http_client.h"
#include "libs/net/loop.h"

namespace dt::test {

inline constexpr const char* kUserKey = "user-key-of-the-test";
inline constexpr const char* kRunnerKey = "runner-key-of-the-test";
inline constexpr const char* kProxyKey = "proxy-key-of-the-test";

inline Task<void> serve_api(api::ApiConfig config, int port_pipe) {
  CancelSource never;
  auto ended = co_await api::run(std::move(config), never, [port_pipe](const api::Started& started) {
    uint16_t port = started.port;
    if (::write(port_pipe, &port, sizeof port) != sizeof port) _exit(1);
  });
  if (!ended) fprintf(stderr, "api: %s\n", ended.error().message.c_str());
}

class ApiProcess {
 public:
  ApiProcess() {
    char name[] = "/tmp/dt-api-component-XXXXXX";
    directory_ = mkdtemp(name);
    start();
  }
  ~ApiProcess() {
    kill9();
    std::filesystem::remove_all(directory_);
  }
  void start() {
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) child(fds[1]);
    ::close(fds[1]);
    ASSERT_EQ(::read(fds[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_))
        << "the API did not start";
    ::close(fds[0]);
  }
  void kill9() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  Endpoint endpoint() const { return {.host = "127.0.0.1", .port = port_, .unix_path = {}}; }

 private:
  [[noreturn]] void child(int port_pipe) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log::configure("api", log::Level::error, false);
    api::ApiConfig config;
    config.listen = {.host = "127.0.0.1", .port = port_, .unix_path = {}};
    config.database_path = directory_ + "/api.db";
    config.admin_api_key = Secret(kUserKey);
    config.runner_api_key = Secret(kRunnerKey);
    config.proxy_api_key = Secret(kProxyKey);
    config.log_requests = false;
    Loop loop;
    loop.run_until(serve_api(std::move(config), port_pipe));
    _exit(0);
  }
  std::string directory_;
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

struct Answer {
  int status = 0;
  codec::bj::value json;
  std::string text;
  std::string message() const {
    const auto* m = json.is_object() ? json.get_object().if_contains("message") : nullptr;
    return m && m->is_string() ? std::string(m->get_string().c_str()) : "";
  }
  std::string at(const char* key) const {
    const auto* v = json.is_object() ? json.get_object().if_contains(key) : nullptr;
    if (!v) return "<absent>";
    return v->is_string() ? std::string(v->get_string().c_str()) : json::serialize(*v);
  }
};

class Caller {
 public:
  Caller(ApiProcess& api, std::string key) : api_(api), key_(std::move(key)) {}
  Task<Answer> call(std::string method, std::string target, std::string body = "") {
    ClientRequest request{
        .method = std::move(method), .target = "/api" + target, .headers = {}, .body = std::move(body)};
    request.headers.set("Authorization", "Bearer " + key_);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    CallContext ctx;
    ctx.deadline = after(std::chrono::seconds(40));
    auto reply = co_await client_.call(ctx, api_.endpoint(), std::move(request));
    Answer out;
    if (!reply) {
      out.text = reply.error().message;
      co_return out;
    }
    out.status = reply->status;
    out.text = reply->body;
    if (auto parsed = json::parse(out.text)) out.json = *parsed;
    co_return out;
  }

 private:
  ApiProcess& api_;
  std::string key_;
  HttpClient client_;
};

// Does what the jobs say to a set of names. Idempotent, like a real runner.
class ScriptedRunner {
 public:
  explicit ScriptedRunner(ApiProcess& api) : caller_(api, kRunnerKey) {}
  std::map<std::string, bool> sandboxes;  // id -> running
  std::set<std::string> fail;             // names whose create fails
  std::vector<std::string> log;           // job types
  Millis work{2};                         // how long a job takes
  bool stop = false;

  Task<bool> healthcheck() {
    contract::RunnerHealthcheck health;
    health.appVersion = "test";
    health.proxyUrl = "http://127.0.0.1:3003";
    health.metrics = contract::RunnerMetrics{};
    health.metrics->cpu = 8;
    health.metrics->memoryGiB = 16;
    health.metrics->diskGiB = 100;
    auto answer = co_await caller_.call("POST", "/runners/healthcheck", encode(health));
    co_return answer.status == 201;
  }
  // One connection to the API: ends when it breaks or `stop`.
  Task<void> run(TaskScope& scope) {
    while (!stop) {
      bool good = co_await healthcheck();
      if (good) good = co_await resume(scope);
      while (good && !stop) {
        auto answer = co_await caller_.call("GET", "/jobs/poll?timeout=1&limit=100");
        good = answer.status == 200;
        if (good) begin_all(answer, "jobs", scope);
      }
      if (!stop) co_await Loop::current().sleep_for(Millis(20));
    }
  }

 private:
  Task<bool> resume(TaskScope& scope) {
    auto answer = co_await caller_.call("GET", "/jobs?status=IN_PROGRESS");
    if (answer.status != 200) co_return false;
    begin_all(answer, "items", scope);
    while (!running_.empty()) co_await Loop::current().sleep_for(Millis(1));
    auto expected = co_await caller_.call("GET", "/sandbox/for-runner");
    if (expected.status != 200) co_return false;
    std::set<std::string> known;
    for (const auto& item : expected.json.as_array()) known.insert(item.at("id").as_string().c_str());
    std::erase_if(sandboxes, [&](const auto& one) { return !known.contains(one.first); });
    co_return true;
  }
  void begin_all(const Answer& answer, const char* key, TaskScope& scope) {
    for (const auto& item : answer.json.at(key).as_array()) {
      auto job = decode<contract::Job>(json::serialize(item));
      ASSERT_TRUE(job) << job.error().message;
      if (running_.insert(job->id).second) scope.spawn(execute(*this, *job));
    }
  }
  static Task<void> execute(ScriptedRunner& self, contract::Job job) {
    co_await Loop::current().sleep_for(self.work);
    contract::UpdateJobStatus result{"COMPLETED", {}, R"({"daemonVersion":"v9"})"};
    self.log.push_back(job.type);
    if (job.type == contract::job_type::kCreateSandbox) {
      auto payload = decode<contract::CreateSandboxPayload>(*job.payload);
      EXPECT_TRUE(payload) << payload.error().message;
      if (self.fail.contains(payload->name))
        result = {"FAILED", "the disk is on fire", {}};
      else
        self.sandboxes[job.resourceId] = true;
    } else if (job.type == contract::job_type::kStartSandbox) {
      self.sandboxes[job.resourceId] = true;
    } else if (job.type == contract::job_type::kStopSandbox) {
      self.sandboxes[job.resourceId] = false;
    } else if (job.type == contract::job_type::kDestroySandbox) {
      self.sandboxes.erase(job.resourceId);
    }
    for (int attempt = 0; attempt < 200; ++attempt) {
      auto answer = co_await self.caller_.call("POST", "/jobs/" + job.id + "/status", encode(result));
      if (answer.status == 201 || (answer.status >= 400 && answer.status < 500)) break;
      co_await Loop::current().sleep_for(Millis(20));
    }
    self.running_.erase(job.id);
  }
  Caller caller_;
  std::set<std::string> running_;
};

}  // namespace dt::test
