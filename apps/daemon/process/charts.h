// Charts of Python code: a wrapper around code that uses matplotlib prints one marked line for each figure
// shown, and chart_filter.h takes these lines out of the output again.
#pragma once
#include <string>
#include <string_view>

namespace dt::daemon {

// Some form of importing matplotlib outside a comment.
bool mentions_matplotlib(std::string_view code);
// A program that runs `code` as __main__ with pyplot.show() reporting charts.
std::string wrap_for_charts(std::string_view code);
// A line of output that starts with the mark reports something: {"type":"chart","value":{…}}.
inline constexpr std::string_view kChartMark = "dtn_artifact_k39fd2:";
// The chart of what follows the mark on its line, reduced to the members of the schema, as JSON; "" if it is
// none.
std::string chart_of_line(std::string_view text);

}  // namespace dt::daemon
