#include "apps/daemon/process/chart_filter.h"

#include <algorithm>

#include "apps/daemon/process/charts.h"

namespace dt::daemon {
namespace {

// The longest end of `text` that a mark may start with.
size_t possible_start(std::string_view text) {
  for (size_t size = std::min(text.size(), kChartMark.size() - 1); size > 0; --size)
    if (text.ends_with(kChartMark.substr(0, size))) return size;
  return 0;
}

}  // namespace

void ChartFilter::feed(std::string_view bytes, std::string& keep) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::exchange(held_, {});
    joined += bytes;
    bytes = joined;
  }
  while (!bytes.empty()) bytes = in_artifact_ ? line(bytes, keep) : text(bytes, keep);
}

std::string_view ChartFilter::text(std::string_view bytes, std::string& keep) {
  size_t mark = bytes.find(kChartMark);
  bool found = mark != std::string_view::npos;
  if (!found) held_ = bytes.substr(bytes.size() - possible_start(bytes));
  std::string_view plain = found ? bytes.substr(0, mark) : bytes.substr(0, bytes.size() - held_.size());
  keep += plain;
  if (!plain.empty()) at_start_ = plain.back() == '\n';
  if (!found) return {};
  in_artifact_ = true;
  marked_start_ = at_start_;
  return bytes.substr(mark + kChartMark.size());
}

std::string_view ChartFilter::line(std::string_view bytes, std::string& keep) {
  size_t newline = bytes.find('\n');
  std::string_view part = bytes.substr(0, newline);
  if (artifact_.size() + part.size() > kLineLimit) {
    if (!too_long_ && !marked_start_) keep.append(kChartMark).append(artifact_);
    too_long_ = true;
    artifact_ = {};
  }
  if (!too_long_)
    artifact_ += part;
  else if (!marked_start_)
    keep += part;
  if (newline == std::string_view::npos) return {};
  end_line("\n", keep);
  return bytes.substr(newline + 1);
}

void ChartFilter::end_line(std::string_view newline, std::string& keep) {
  std::string chart = too_long_ ? "" : chart_of_line(artifact_);
  if (chart.empty() && !marked_start_) {
    if (!too_long_) keep.append(kChartMark).append(artifact_);
    keep += newline;
  }
  if (!chart.empty() && chart_bytes_ + chart.size() <= kChartsLimit) {
    chart_bytes_ += chart.size();
    charts_.push_back(std::move(chart));
  }
  artifact_ = {};
  too_long_ = in_artifact_ = false;
  at_start_ = true;
}

void ChartFilter::finish(std::string& keep) {
  if (in_artifact_) end_line("", keep);
  keep += std::exchange(held_, {});
}

}  // namespace dt::daemon
