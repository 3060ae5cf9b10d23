#include "apps/cli/sandbox_commands.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <ostream>

#include "apps/cli/format.h"
#include "apps/cli/sandbox_view.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::cli {
namespace {
namespace bj = boost::json;

std::string path_of(const std::string& sandbox, std::string_view rest = {}) {
  return "/sandbox/" + percent_encode(sandbox) + std::string(rest);
}

struct Page {
  bj::array items;
  std::string next_cursor;
};

Result<Page> fetch_page(Api& api, int64_t limit, const std::string& cursor) {
  std::string path = fmt::format("/sandbox?limit={}", limit);
  if (!cursor.empty()) path += "&cursor=" + percent_encode(cursor);
  TRY(bj::value answer, api.call("GET", path));
  bj::value* items = answer.is_object() ? answer.get_object().if_contains("items") : nullptr;
  if (!items || !items->is_array()) return fail(Code::bad_gateway, "the server sent a list without items");
  Page page{.items = items->get_array()};
  if (const bj::value* next = answer.get_object().if_contains("nextCursor"); next && next->is_string())
    page.next_cursor = std::string_view(next->get_string());
  return page;
}

Result<std::vector<SandboxView>> views_of(const bj::array& items) {
  std::vector<SandboxView> out;
  for (const bj::value& item : items) {
    TRY(SandboxView view, to_view(item));
    out.push_back(std::move(view));
  }
  sort_active_first(out);
  return out;
}

Result<int> simple_post(Context& context, const Line& line, std::string_view action, std::string_view done) {
  TRY(Api * api, context.api());
  TRY(bj::value ignored, api->call("POST", path_of(line.words[0], action)));
  context.out << "Sandbox " << line.words[0] << " " << done << "\n";
  return 0;
}

// One of several that take ids from the same list until it is empty.
Task<void> delete_from(Api& api, std::vector<std::string>& ids, size_t& deleted, std::string& first_error) {
  while (!ids.empty()) {
    std::string id = std::move(ids.back());
    ids.pop_back();
    auto answer = co_await api.start("DELETE", path_of(id));
    if (answer || answer.error().code == Code::not_found)
      ++deleted;
    else if (first_error.empty())
      first_error = fmt::format("{}: {}", id, answer.error().message);
  }
}

Task<void> delete_side_by_side(Api& api, std::vector<std::string>& ids, size_t& deleted,
                               std::string& first_error) {
  constexpr int kAtOnce = 10;
  TaskScope scope("delete");
  for (int i = 0; i < kAtOnce; ++i) scope.spawn(delete_from(api, ids, deleted, first_error));
  co_await scope.join();
}

Result<int> delete_all(Context& context, Api& api) {
  std::vector<std::string> ids;
  std::string cursor;
  do {
    TRY(Page page, fetch_page(api, 200, cursor));
    TRY(auto views, views_of(page.items));
    for (SandboxView& view : views) ids.push_back(std::move(view.id));
    cursor = page.next_cursor;
  } while (!cursor.empty());
  if (ids.empty()) {
    context.out << "No sandboxes to delete\n";
    return 0;
  }
  size_t deleted = 0;
  std::string first_error;
  api.loop().run_until(delete_side_by_side(api, ids, deleted, first_error));
  context.out << "Deleted " << deleted << " sandboxes\n";
  if (!first_error.empty())
    return fail(Code::internal, "some were not deleted, the first of them " + first_error);
  return 0;
}

std::string labels_text(const SandboxView& sandbox) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : *sandbox.labels) parts.push_back(key + "=" + value);
  return join(parts, ", ");
}

Result<std::string> toolbox_url(Api& api, const SandboxView& sandbox) {
  if (!(*sandbox.toolboxProxyUrl).empty()) return *sandbox.toolboxProxyUrl;
  TRY(bj::value answer, api.call("GET", path_of(sandbox.id, "/toolbox-proxy-url")));
  const bj::value* url = answer.is_object() ? answer.get_object().if_contains("url") : nullptr;
  if (!url || !url->is_string())
    return fail(Code::bad_gateway, "the server does not say where the toolbox is");
  return std::string(std::string_view(url->get_string()));
}

struct Executed {
  Defaulted<int64_t> exitCode;
  Defaulted<std::string> result;
};
BOOST_DESCRIBE_STRUCT(Executed, (), (exitCode, result))

}  // namespace

std::string shell_text(const std::vector<std::string>& program) {
  if (program.size() == 1) return program[0];
  std::vector<std::string> quoted;
  for (const std::string& word : program) quoted.push_back(shell_quote(word));
  return join(quoted, " ");
}

Result<int> list_sandboxes(Context& context, const Line& line) {
  TRY(Api * api, context.api());
  TRY(Page page, fetch_page(*api, line.integer("limit"), line.text("cursor")));
  if (line.given("format")) {
    context.out << formatted(page.items, line.text("format"));
    return 0;
  }
  TRY(auto sandboxes, views_of(page.items));
  Table table{.header = {"Sandbox", "State", "Region", "Last Event"}, .rows = {}};
  for (const SandboxView& s : sandboxes)
    table.rows.push_back(
        {s.id, state_label(*s.state), *s.target, age_label(*s.updatedAt, context.clock.wall())});
  context.out << (sandboxes.empty() ? "No sandboxes found\n" : table.text(context.width));
  if (!page.next_cursor.empty()) context.out << "Next cursor: " << page.next_cursor << "\n";
  return 0;
}

Result<int> show_sandbox(Context& context, const Line& line) {
  TRY(Api * api, context.api());
  TRY(bj::value answer, api->call("GET", path_of(line.words[0])));
  if (line.given("format")) {
    context.out << formatted(answer, line.text("format"));
    return 0;
  }
  TRY(SandboxView s, to_view(answer));
  Wall now = context.clock.wall();
  const std::pair<std::string_view, std::string> rows[] = {{"ID", s.id},
                                                           {"Name", *s.name},
                                                           {"State", state_label(*s.state)},
                                                           {"Snapshot", *s.snapshot},
                                                           {"Region", *s.target},
                                                           {"Created", age_label(*s.createdAt, now)},
                                                           {"Last Event", age_label(*s.updatedAt, now)},
                                                           {"Labels", labels_text(s)}};
  for (const auto& [key, value] : rows)
    if (!value.empty()) context.out << fmt::format("{:<12}{}\n", key, value);
  return 0;
}

Result<int> execute(Context& context, const Line& line) {
  TRY(Api * api, context.api());
  TRY(bj::value answer, api->call("GET", path_of(line.words[0])));
  TRY(SandboxView sandbox, to_view(answer));
  if (auto why = not_running(sandbox)) return fail(Code::conflict, *why);
  TRY(std::string base, toolbox_url(*api, sandbox));
  bj::object body{{"command", shell_text(line.program)}};
  if (line.given("cwd")) body["cwd"] = line.text("cwd");
  if (line.integer("timeout") > 0) body["timeout"] = line.integer("timeout");
  TRY(bj::value done, api->call_at(base, "POST", "/" + percent_encode(sandbox.id) + "/process/execute",
                                   json::serialize(body)));
  Executed executed;
  Violations violations;
  codec::read(done, executed, codec::Where{"", violations});
  if (!violations.empty())
    return fail(Code::bad_gateway, "the answer of the toolbox cannot be read: " + violations.joined());
  context.out << *executed.result;
  return static_cast<int>(*executed.exitCode & 0xff);
}

Result<int> start_sandbox(Context& context, const Line& line) {
  return simple_post(context, line, "/start", "started");
}

Result<int> stop_sandbox(Context& context, const Line& line) {
  return simple_post(context, line, line.boolean("force") ? "/stop?force=true" : "/stop", "stopped");
}

Result<int> delete_sandbox(Context& context, const Line& line) {
  bool all = line.boolean("all");
  if (all == !line.words.empty())
    return fail(Code::bad_request,
                all ? "delete wants either a sandbox or --all" : "delete wants a sandbox, or --all");
  TRY(Api * api, context.api());
  if (all) return delete_all(context, *api);
  TRY(bj::value ignored, api->call("DELETE", path_of(line.words[0])));
  context.out << "Sandbox " << line.words[0] << " deleted\n";
  return 0;
}

}  // namespace dt::cli
