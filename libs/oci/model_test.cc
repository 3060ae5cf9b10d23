#include "libs/oci/model.h"

#include <gtest/gtest.h>

#include "libs/oci/reference.h"
#include "libs/oci/root_tree.h"

namespace dt::oci {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');
std::string descriptor(const std::string& type, const std::string& rest = "") {
  return R"({"mediaType":")" + type + R"(","digest":")" + kDigest + R"(","size":5)" + rest + "}";
}
std::string manifest(const std::string& layer_type) {
  return R"({"schemaVersion":2,"config":)" + descriptor("application/vnd.oci.image.config.v1+json") +
         R"(,"layers":[)" + descriptor(layer_type) + "]}";
}

TEST(Reference, ParsesWhatDockerAccepts) {
  struct Case {
    const char *text, *canonical;
  };
  for (auto [text, canonical] : {Case{"python", "docker.io/library/python:latest"},
                                 {"daytonaio/sandbox:0.1.0", "docker.io/daytonaio/sandbox:0.1.0"},
                                 {"localhost:5000/a/b_c--d.e:V1", "localhost:5000/a/b_c--d.e:V1"},
                                 {"images.example/x/y", "images.example/x/y:latest"},
                                 {"localhost/x", "localhost/x:latest"}}) {
    auto ref = Reference::parse(text);
    ASSERT_TRUE(ref) << text << ": " << ref.error().message;
    EXPECT_EQ(ref->str(), canonical);
    EXPECT_EQ(*Reference::parse(ref->str()), *ref);
  }
  auto pinned = Reference::parse("a/b@" + kDigest);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->str(), "docker.io/a/b@" + kDigest);
  EXPECT_EQ(Reference::parse("a/b:1@" + kDigest)->tag, "1");
}

TEST(Reference, RefusesTheRest) {
  for (const char* bad :
       {"", "A/b", "a//b", "/a", "a/", "a:", "a:b c", "a:-x", "a@sha256:12", "a@md5:x", "..", "a/../b", "a b",
        "reg.io:99999/a", "reg.io:x/a", "a___b", "-a", "a;rm -rf", "--help"})
    EXPECT_FALSE(Reference::parse(bad)) << bad;
}

TEST(Digest, IsSha256) {
  EXPECT_EQ(Digest::of("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(Digest::parse(kDigest));
  for (std::string bad : {"sha256:" + std::string(64, 'A'), "sha256:" + std::string(63, 'a'),
                          "sha512:" + std::string(64, 'a'), "sha256:../../" + std::string(58, 'a')})
    EXPECT_FALSE(Digest::parse(bad)) << bad;
}

TEST(Model, ReadsManifestsOfBothKinds) {
  for (auto [type, compression] :
       {std::pair{"application/vnd.oci.image.layer.v1.tar", Compression::none},
        {"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip}}) {
    auto parsed = parse_manifest(manifest(type));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->layers.at(0).compression, compression);
    EXPECT_EQ(parsed->layers.at(0).blob.size, 5u);
  }
  EXPECT_EQ(parse_manifest(manifest("text/html")).error().code, Code::unsupported_media);
  EXPECT_EQ(
      parse_manifest(R"({"schemaVersion":1,"config":)" + descriptor("x") + R"(,"layers":[]})").error().code,
      Code::unsupported_media);
  for (const char* bad :
       {"", "{}", "[]", "nonsense", R"({"schemaVersion":2,"layers":[{"digest":"x","size":-1}]})"})
    EXPECT_FALSE(parse_manifest(bad)) << bad;
  EXPECT_EQ(parse_manifest(std::string(kMaxDocument + 1, ' ')).error().code, Code::payload_too_large);
}

TEST(Model, ChoosesLinuxAmd64) {
  auto entry = [](const char* platform) {
    return descriptor("application/vnd.oci.image.manifest.v1+json", platform);
  };
  std::string arm = entry(R"(,"platform":{"os":"linux","architecture":"arm64"})");
  std::string amd = entry(
      R"(,"platform":{"os":"linux","architecture":"amd64"},"annotations":{"org.opencontainers.image.ref.name":"v1"})");
  auto both = parse_index(R"({"schemaVersion":2,"manifests":[)" + arm + "," + amd + "]}");
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(choose_platform(*both)->ref_name, "v1");
  auto only_arm = parse_index(R"({"schemaVersion":2,"manifests":[)" + arm + "]}");
  auto refused = choose_platform(*only_arm);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("linux/arm64"), std::string::npos);
  EXPECT_TRUE(choose_platform(*parse_index(R"({"schemaVersion":2,"manifests":[)" + entry("") + "]}")));
}

TEST(Model, ReadsConfigurations) {
  auto config = parse_config(
      R"({"os":"linux","architecture":"amd64","config":{"User":"daytona","WorkingDir":"/home/daytona",
    "Env":["PATH=/bin","EMPTY=","bad","=x","A=b=c"],"Cmd":null,"Entrypoint":["sh","-c"]},"rootfs":{"type":"layers","diff_ids":["x"]}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->user, "daytona");
  EXPECT_EQ(config->env, (std::map<std::string, std::string>{{"PATH", "/bin"}, {"EMPTY", ""}, {"A", "b=c"}}));
  EXPECT_EQ(config->entrypoint.size(), 2u);
  EXPECT_TRUE(config->cmd.empty());
  EXPECT_TRUE(parse_config("{}"));
  EXPECT_FALSE(parse_config(R"({"config":{"User":"a\u0000b"}})"));
}

TEST(CleanPath, IsPlainOrRefused) {
  EXPECT_EQ(*clean_path("./a//b/./c/"), "a/b/c");
  EXPECT_EQ(*clean_path("/etc/passwd"), "etc/passwd");
  EXPECT_EQ(*clean_path("./"), "");
  EXPECT_EQ(*clean_path("a/..b/c.."), "a/..b/c..");
  for (std::string bad : {"..", "a/..", "../a", "/../a", "a/../../b"}) EXPECT_FALSE(clean_path(bad)) << bad;
  EXPECT_FALSE(clean_path(std::string("a\0b", 3)));
  EXPECT_FALSE(clean_path(std::string(256, 'a')));
}

}  // namespace
}  // namespace dt::oci
