// Charts of Python code: a wrapper around code that uses matplotlib prints one marked line for each figure
// shown, and these lines are taken out of the output again. Any program may print such lines.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace dt::daemon {

// Some form of importing matplotlib outside a comment.
bool mentions_matplotlib(std::string_view code);
// A program that runs `code` as __main__ with pyplot.show() reporting charts.
std::string wrap_for_charts(std::string_view code);
// Removes the marked lines and returns the charts that are in order, reduced to the members of the schema, as
// JSON.
std::vector<std::string> take_charts(std::string& output);

}  // namespace dt::daemon
