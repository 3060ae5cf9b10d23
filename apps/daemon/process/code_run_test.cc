#include "apps/daemon/process/code_run.h"

#include "apps/daemon/process/chart_filter.h"
#include "apps/daemon/process/charts.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;

class CodeRunTest : public DaemonTest {
 protected:
  Ran run(std::string_view language, std::string_view code, bj::object more = {}) {
    more["language"] = language;
    more["code"] = code;
    return ran(post("/process/code-run", bj::serialize(more)));
  }
};

TEST_F(CodeRunTest, Python) {
  Ran r = run("python", "import sys, os\nprint(sys.argv, os.environ['A'])\nsys.exit(3)",
              {{"argv", {"a b", "*"}}, {"envs", bj::object{{"A", "1"}}}});
  EXPECT_EQ(r.exit_code, 3);
  EXPECT_EQ(r.result, "['-', 'a b', '*'] 1\n");
  EXPECT_FALSE(r.body.contains("artifacts"));
  EXPECT_NE(run("python", "1/0").result.find("File \"<stdin>\", line 1"), std::string::npos);
  EXPECT_EQ(run("python", "1/0").exit_code, 1);
  EXPECT_NE(run("python", "input()").result.find("EOFError"), std::string::npos);
  put(at("neighbour.py"), "x = 5");
  EXPECT_EQ(run("python", "import neighbour; print(neighbour.x)").result, "5\n");
}

TEST_F(CodeRunTest, Javascript) {
  Ran r = run("javascript", "console.log(process.argv.slice(1).join('|')); process.exit(4)",
              {{"argv", {"a b", "$HOME"}}});
  EXPECT_EQ(r.result, "a b|$HOME\n");
  EXPECT_EQ(r.exit_code, 4);
}

// The language's compiler is not on every build machine; the end-to-end tests run it in the real image.
TEST_F(CodeRunTest, TypescriptUsesTheProjectsCompiler) {
  std::filesystem::create_directories("node_modules/.bin");
  put(at("node_modules/.bin/ts-node"),
      "#!/bin/sh\nfor a; do echo \"$a\"; done; eval f=\\$6; cat \"$6\"; exit 9\n");
  std::filesystem::permissions("node_modules/.bin/ts-node", std::filesystem::perms::owner_all);
  Ran r = run("typescript", "let x: number = 1", {{"argv", {"one"}}});
  EXPECT_EQ(r.exit_code, 9);
  EXPECT_NE(r.result.find("-T\n--ignore-diagnostics\n5107\n-O\n{\"module\":\"CommonJS\"}\n/tmp/dtn_"),
            std::string::npos)
      << r.result;
  EXPECT_NE(r.result.find(".ts\none\nprocess.argv.splice(1, 1);\nlet x: number = 1"), std::string::npos)
      << r.result;
  for (const auto& entry : std::filesystem::directory_iterator("/tmp"))
    EXPECT_FALSE(entry.path().filename().string().starts_with("dtn_"));
}

TEST_F(CodeRunTest, MissingInterpreterIs127) {
  Ran r = run("python", "print(1)", {{"envs", bj::object{{"PATH", "/nowhere"}}}});
  EXPECT_EQ(r.exit_code, 127);
  EXPECT_EQ(r.result, "python3: command not found\n");
}

TEST_F(CodeRunTest, SignalsAreReportedLikeAShellDoes) {
  EXPECT_EQ(run("python", "import os; os.kill(os.getpid(), 11)").exit_code, 139);
}

TEST_F(CodeRunTest, TimeoutIs408) {
  Reply reply = post("/process/code-run",
                     R"x({"language":"python","code":"import time; time.sleep(60)","timeout":1})x");
  EXPECT_EQ(reply.status, 408);
  EXPECT_NE(member(reply, "message").find("timeout"), std::string::npos);
}

TEST_F(CodeRunTest, ChecksBodyThenLanguageThenNames) {
  Reply reply = post("/process/code-run", R"({"language":"cobol","envs":{"1":"x"}})");
  EXPECT_EQ(member(reply, "code"), "INVALID_REQUEST_BODY");
  reply = post("/process/code-run", R"({"language":"cobol","code":"x","envs":{"1":"x"}})");
  EXPECT_EQ(member(reply, "message"), "bad request: unsupported language: cobol");
  reply = post("/process/code-run", R"({"language":"python","code":"x","envs":{"1":"x"}})");
  EXPECT_EQ(member(reply, "message"), "bad request: invalid environment variable name: '1'");
  EXPECT_EQ(reply.status, 400);
}

TEST_F(CodeRunTest, MarkedLinesBecomeCharts) {
  Ran r = run("python", R"(
print('before')
print('dtn_artifact_k39fd2:{"type":"chart","value":{"type":"bar","title":"t","elements":[{"label":"a","value":5,"extra":1}],"x_ticks":[1,"x",2],"new":1}}')
print('dtn_artifact_k39fd2:broken')
print('in dtn_artifact_k39fd2: text')
)");
  EXPECT_EQ(r.result, "before\nin dtn_artifact_k39fd2: text\n");
  bj::value want = bj::parse(
      R"({"charts":[{"type":"bar","title":"t","x_ticks":[1,2],"elements":[{"label":"a","value":"5"}]}]})");
  EXPECT_EQ(r.body["artifacts"], want) << r.body;
}

TEST_F(CodeRunTest, TimeoutKeepsOutputAndCharts) {
  Ran r = run("python",
              "import time\nprint('dtn_artifact_k39fd2:{\"type\":\"chart\",\"value\":{\"type\":\"pie\"}}')\n"
              "print('early')\ntime.sleep(60)",
              {{"timeout", 1}});
  EXPECT_EQ(r.status, 408);
  EXPECT_EQ(r.result, "early\n");
  EXPECT_EQ(r.body["artifacts"], bj::parse(R"({"charts":[{"type":"pie","elements":[]}]})"));
}

TEST(ChartFilter, FindsMarksHoweverTheyArrive) {
  const std::string chart = R"({"type":"chart","value":{"type":"pie"}})";
  const std::string mark(kChartMark);
  const std::string text = "a\n" + mark + chart + "\nb" + mark + chart + "\nc\nd" + mark + "x\n" + mark +
                           "y\ndtn_art\n" + mark + chart;
  for (size_t step = 1; step <= text.size(); ++step) {
    ChartFilter filter;
    std::string kept;
    for (size_t at = 0; at < text.size(); at += step)
      filter.feed(std::string_view(text).substr(at, step), kept);
    filter.finish(kept);
    EXPECT_EQ(kept, "a\nbc\nd" + mark + "x\ndtn_art\n") << step;
    EXPECT_EQ(filter.take().size(), 3u);
  }
  ChartFilter filter;
  std::string kept;
  filter.feed("dtn_", kept);
  filter.finish(kept);
  EXPECT_EQ(kept, "dtn_");
}

TEST(ChartFilter, IsBounded) {
  ChartFilter filter;
  std::string kept;
  std::string piece(1 << 20, 'x');
  filter.feed(kChartMark, kept);
  for (int i = 0; i < 20; ++i) filter.feed(piece, kept);
  filter.feed("\nafter " + std::string(kChartMark), kept);
  for (int i = 0; i < 20; ++i) filter.feed(piece, kept);
  filter.feed("\nend", kept);
  filter.finish(kept);
  EXPECT_EQ(kept.size(), 6 + kChartMark.size() + (20u << 20) + 4);
  EXPECT_TRUE(filter.take().empty());
}

TEST(Charts, FindsImportsOutsideComments) {
  for (const char* yes :
       {"import matplotlib", "  from matplotlib import pyplot", "import  matplotlib.pyplot as plt",
        "import numpy, matplotlib", "x = '#'; import matplotlib", "__import__('matplotlib.pyplot')",
        "importlib.import_module(\"matplotlib\")", "sys.modules['matplotlib']", "a=1\nimport matplotlib"})
    EXPECT_TRUE(mentions_matplotlib(yes)) << yes;
  for (const char* no :
       {"", "print('matplotlib')", "# import matplotlib", "x = 1 # import matplotlib", "matplotlib = 1"})
    EXPECT_FALSE(mentions_matplotlib(no)) << no;
}

class ChartsOfMatplotlib : public CodeRunTest {
 protected:
  void SetUp() override {
    CodeRunTest::SetUp();
    if (run("python", "import numpy; import PIL; from matplotlib import pyplot").exit_code != 0)
      GTEST_SKIP()
          << "python3 of this machine has no matplotlib; the end-to-end tests run this in the real image";
  }
  bj::object chart(std::string_view drawing) {
    Ran r = run("python",
                "import matplotlib.pyplot as plt\n" + std::string(drawing) + "\nplt.show()\nprint('done')");
    EXPECT_EQ(r.result, "done\n");
    auto* artifacts = r.body.if_contains("artifacts");
    if (!artifacts) return {};
    EXPECT_EQ(artifacts->at("charts").as_array().size(), 1u);
    bj::object out = artifacts->at("charts").at(0).as_object();
    EXPECT_TRUE(base64_decode(std::string_view(out["png"].as_string()))->starts_with("\x89PNG"));
    return out;
  }
};

TEST_F(ChartsOfMatplotlib, Line) {
  bj::object c = chart("plt.plot([1,2,3],[4,5,float('nan')],label='a')\nplt.title('T')\nplt.xlabel('X')");
  EXPECT_EQ(c["type"], "line");
  EXPECT_EQ(c["title"], "T");
  EXPECT_EQ(c["x_label"], "X");
  EXPECT_EQ(c["x_scale"], "linear");
  EXPECT_EQ(c["elements"], bj::parse(R"([{"label":"a","points":[[1.0,4.0],[2.0,5.0]]}])"));
}

TEST_F(ChartsOfMatplotlib, Scatter) {
  bj::object c = chart("plt.scatter([1,2],[3,4],label='s')");
  EXPECT_EQ(c["type"], "scatter");
  EXPECT_EQ(c["elements"], bj::parse(R"([{"label":"s","points":[[1.0,3.0],[2.0,4.0]]}])"));
}

TEST_F(ChartsOfMatplotlib, BarValuesAreTexts) {
  bj::object c = chart("plt.bar(['x','y'],[3,4.5],label='g')");
  EXPECT_EQ(c["type"], "bar");
  EXPECT_EQ(c["elements"],
            bj::parse(R"([{"label":"x","group":"g","value":"3"},{"label":"y","group":"g","value":"4.5"}])"));
  EXPECT_EQ(c["x_scale"], "categorical");
}

TEST_F(ChartsOfMatplotlib, Pie) {
  bj::object c = chart("plt.pie([1,3],labels=['a','b'])");
  EXPECT_EQ(c["type"], "pie");
  EXPECT_EQ(c["elements"].at(0).at("label"), "a");
  EXPECT_NEAR(c["elements"].at(0).at("angle").to_number<double>(), 90, 0.01);
}

TEST_F(ChartsOfMatplotlib, BoxAndWhisker) {
  for (const char* style : {"", ",patch_artist=True"}) {
    bj::object c = chart("plt.boxplot([[1,2,3,4,5,50]]" + std::string(style) + ")");
    EXPECT_EQ(c["type"], "box_and_whisker");
    EXPECT_EQ(c["elements"].at(0).at("median").to_number<double>(), 3.5);
    EXPECT_EQ(c["elements"].at(0).at("outliers"), bj::parse("[50.0]"));
  }
}

TEST_F(ChartsOfMatplotlib, CompositeAndDates) {
  bj::object c = chart(
      "import "
      "datetime\nf,(a,b)=plt.subplots(1,2)\na.plot([datetime.date(2026,1,1),datetime.date(2026,1,2)],[1,2])\n"
      "b.bar(['q'],[1])\nf.suptitle('both')");
  EXPECT_EQ(c["type"], "composite_chart");
  EXPECT_EQ(c["title"], "both");
  EXPECT_EQ(c["elements"].at(0).at("type"), "line");
  EXPECT_EQ(c["elements"].at(0).at("x_scale"), "datetime");
  EXPECT_EQ(c["elements"].at(1).at("type"), "bar");
}

TEST_F(ChartsOfMatplotlib, ErrorsShowOnlyTheUsersCode) {
  Ran r = run("python", "import matplotlib\ndef f():\n  return 1/0\nf()");
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_TRUE(r.result.starts_with(
      "Traceback (most recent call last):\n  File \"<target_code>\", line 4, in <module>\n    f()"))
      << r.result;
  EXPECT_EQ(run("python", "import matplotlib, sys\nsys.exit(5)").exit_code, 5);
  EXPECT_EQ(run("python", "import matplotlib.pyplot as plt\nplt.plot([1])").body.contains("artifacts"),
            false);
}

}  // namespace
}  // namespace dt::daemon
