#include "apps/cli/command_line.h"

#include <gtest/gtest.h>

#include <set>

#include "apps/cli/commands.h"
#include "apps/cli/sandbox_commands.h"

namespace dt::cli {
namespace {

Result<Line> parse(std::vector<std::string> words) { return parse_line(commands(), words); }

std::string refusal(std::vector<std::string> words) {
  auto line = parse(std::move(words));
  return line ? "accepted" : line.error().message;
}

}  // namespace

TEST(CommandLine, FlagsInEveryForm) {
  auto line = parse({"create", "--name", "a", "--cpu=2", "-e", "A=1", "-eB=2", "-l=k=v", "--public",
                     "--auto-delete", "-1"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->text("name"), "a");
  EXPECT_EQ(line->integer("cpu"), 2);
  EXPECT_EQ(line->list("env"), (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(line->list("label"), (std::vector<std::string>{"k=v"}));
  EXPECT_TRUE(line->boolean("public"));
  EXPECT_EQ(line->integer("auto-delete"), -1);
  EXPECT_EQ(line->integer("auto-stop"), 15) << "the table's fallback";
  EXPECT_FALSE(line->given("auto-stop"));
}

TEST(CommandLine, AliasesAndTheGroupName) {
  EXPECT_EQ(parse({"ls"})->command->name, "list");
  EXPECT_EQ(parse({"sandbox", "rm", "x"})->command->name, "delete");
  EXPECT_EQ(parse({"sandboxes", "list"})->command->name, "list");
  EXPECT_EQ(parse({"--version"})->command->name, "version");
}

TEST(CommandLine, AProgramKeepsItsFlags) {
  auto with_dashes = parse({"exec", "--cwd", "/x", "box", "--", "ls", "-la", "--", "y"});
  ASSERT_TRUE(with_dashes);
  EXPECT_EQ(with_dashes->words, (std::vector<std::string>{"box"}));
  EXPECT_EQ(with_dashes->program, (std::vector<std::string>{"ls", "-la", "--", "y"}));
  auto without = parse({"exec", "box", "--timeout", "3", "ls", "-la"});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->program, (std::vector<std::string>{"ls", "-la"}));
  EXPECT_EQ(without->integer("timeout"), 3);
}

TEST(CommandLine, RefusalsSayWhatToWrite) {
  EXPECT_EQ(refusal({"nonsense"}), "unknown command 'nonsense' (see `daytona help`)");
  EXPECT_EQ(refusal({"info"}), "info wants SANDBOX (see `daytona info --help`)");
  EXPECT_EQ(refusal({"info", "a", "b"}), "'b' is one argument too many (see `daytona info --help`)");
  EXPECT_EQ(refusal({"info", "a", "--nope"}), "unknown flag --nope (see `daytona info --help`)");
  EXPECT_EQ(refusal({"info", "a", "--format"}), "flag --format wants a value (see `daytona info --help`)");
  EXPECT_EQ(refusal({"create", "--cpu", "two"}), "--cpu wants a whole number, not 'two'");
  EXPECT_EQ(refusal({"stop", "a", "--force=maybe"}), "--force wants true or false, not 'maybe'");
  EXPECT_EQ(refusal({"exec", "a"}), "exec wants a program: daytona exec SANDBOX -- PROGRAM [ARGUMENTS]");
}

TEST(CommandLine, HelpNamesEveryCommandAndFlag) {
  std::string program = help_of_program(commands());
  for (const Command& command : commands()) {
    EXPECT_NE(program.find(std::string(command.name)), std::string::npos);
    std::string text = help_of_command(command);
    for (const Flag& flag : command.flags)
      EXPECT_NE(text.find("--" + std::string(flag.name)), std::string::npos) << flag.name;
  }
  EXPECT_TRUE(parse({"info", "--help"})->help) << "the argument is not missed";
  EXPECT_TRUE(parse({})->help);
  EXPECT_TRUE(parse({"help"})->help);
}

TEST(CommandLine, NamesInTheTableAreUnique) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    for (std::string_view alias : command.aliases) EXPECT_TRUE(names.insert(alias).second) << alias;
    std::set<std::string> flags;
    for (const Flag& flag : command.flags) {
      EXPECT_TRUE(flags.insert(std::string(flag.name)).second) << flag.name;
      if (flag.letter) EXPECT_TRUE(flags.insert(std::string(1, flag.letter)).second) << flag.letter;
    }
  }
}

TEST(CreateBody, HoldsWhatWasGivenAndTheTwoDefaults) {
  EXPECT_EQ(*create_body(*parse({"create"})), R"({"autoDeleteInterval":-1,"networkBlockAll":false})");
  auto line = parse({"create", "--name", "n", "--cpu", "2", "--disk", "0", "--auto-stop", "0", "-e", "A=b=c",
                     "-l", "x=", "-v", "vol:/data"});
  EXPECT_EQ(*create_body(*line),
            R"({"name":"n","cpu":2,"autoStopInterval":0,"autoDeleteInterval":-1,"networkBlockAll":false,)"
            R"("env":{"A":"b=c"},"labels":{"x":""},"volumes":[{"volumeId":"vol","mountPath":"/data"}]})");
}

TEST(CreateBody, RefusesWhatCannotBeMeant) {
  EXPECT_FALSE(create_body(*parse({"create", "-e", "=x"})));
  EXPECT_FALSE(create_body(*parse({"create", "-v", "vol"})));
  EXPECT_FALSE(create_body(*parse({"create", "--auto-stop", "1", "--auto-pause", "1"})));
}

TEST(ShellText, OneWordIsAScriptSeveralAreQuoted) {
  EXPECT_EQ(shell_text({"echo $HOME | wc"}), "echo $HOME | wc");
  EXPECT_EQ(shell_text({"echo", "it's", "$HOME"}), R"('echo' 'it'\''s' '$HOME')");
}

}  // namespace dt::cli
