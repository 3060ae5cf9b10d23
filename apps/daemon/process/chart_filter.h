// Takes the marked lines of charts out of a program's output while it comes (toolbox.md §11.1). Every line
// that starts with the mark goes, also when it is broken or of another type; after text without a newline
// only a real chart is taken, and the text stays. Any program may print such lines.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/daemon/process/command.h"

namespace dt::daemon {

class ChartFilter : public OutputFilter {
 public:
  static constexpr size_t kLineLimit = 8u << 20;     // a longer one is no chart
  static constexpr size_t kChartsLimit = 16u << 20;  // of one run in all; further ones are dropped

  void feed(std::string_view bytes, std::string& keep) override;
  void finish(std::string& keep) override;
  std::vector<std::string> take() { return std::move(charts_); }  // JSON objects

 private:
  std::string_view text(std::string_view bytes, std::string& keep);
  std::string_view line(std::string_view bytes, std::string& keep);
  void end_line(std::string_view newline, std::string& keep);

  std::vector<std::string> charts_;
  size_t chart_bytes_ = 0;
  std::string held_;      // may be the start of a mark
  std::string artifact_;  // what follows a mark so far
  bool in_artifact_ = false;
  bool at_start_ = true;       // of a line, as the program wrote it
  bool marked_start_ = false;  // the mark was at the start of its line
  bool too_long_ = false;
};

}  // namespace dt::daemon
