#include "libs/contract/sandbox.h"

#include <gtest/gtest.h>

#include "libs/contract/job.h"
#include "libs/contract/runner.h"
#include "libs/contract/sandbox_state.h"

namespace dt::contract {
namespace {

TEST(SandboxContract, RequiredKeysAreAlwaysThere) {
  std::string text = encode(Sandbox{});
  for (const char* key :
       {"id", "organizationId", "name", "user", "env", "labels", "public", "networkBlockAll", "target", "cpu",
        "gpu", "memory", "disk", "toolboxProxyUrl", "kvm"})
    EXPECT_NE(text.find("\"" + std::string(key) + "\":"), std::string::npos) << key << " in " << text;
  EXPECT_EQ(text.find("null"), std::string::npos) << text;
  EXPECT_NE(encode(SandboxList{}).find("\"nextCursor\":null"), std::string::npos);
}

TEST(SandboxContract, CreateTakesEverythingOptional) {
  auto body = decode<CreateSandbox>(
      R"({"env":{"A":1,"B":"x","C":null},"public":true,"name":null,"envVars":{},"gpuType":"H100"})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_TRUE(*body->public_);
  EXPECT_EQ(string_values(*body->env), (StringMap{{"A", "1"}, {"B", "x"}}));
}

TEST(SandboxContract, CreateSaysEveryViolation) {
  auto body = decode<CreateSandbox>(
      R"({"name":"<b>","cpu":-1,"gpu":2,"memory":1.5,"labels":[],"volumes":[{"mountPath":1}],"buildInfo":{}})");
  ASSERT_FALSE(body);
  EXPECT_EQ(
      body.error().message,
      "labels must be an object, memory must be an integer number, volumes.0.volumeId must be a string, "
      "volumes.0.mountPath must be a string, name must not contain HTML tags, URLs, or control characters, "
      "cpu must not be "
      "less than 0, gpu must not be greater than 1, volumes.0.volumeId should not be empty, "
      "buildInfo.dockerfileContent must be a string");
}

TEST(SandboxContract, StatesRoundTrip) {
  for (size_t i = 0; i < kSandboxStates; ++i) {
    auto state = static_cast<SandboxState>(i);
    EXPECT_EQ(parse_sandbox_state(to_string(state)), state);
  }
  for (size_t i = 0; i < kDesiredStates; ++i) {
    auto state = static_cast<DesiredState>(i);
    EXPECT_EQ(parse_desired_state(to_string(state)), state);
  }
  EXPECT_FALSE(parse_sandbox_state("nonsense"));
}

TEST(JobContract, PayloadRoundTrip) {
  CreateSandboxPayload payload;
  payload.id = "i";
  payload.env = {{"A", "B"}};
  auto back = decode<CreateSandboxPayload>(encode(payload));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->env.at("A"), "B");
  EXPECT_FALSE(*back->skipStart);
  EXPECT_FALSE(decode<UpdateJobStatus>(R"({"status":"DONE"})"));
}

TEST(RunnerContract, KeyIsOnlyInFull) {
  EXPECT_EQ(encode(Runner{}).find("apiKey"), std::string::npos);
  EXPECT_NE(encode(RunnerFull{}).find("\"apiKey\""), std::string::npos);
}

}  // namespace
}  // namespace dt::contract
