// Against a real GTK program on a real accessibility bus.
#include "apps/daemon/desktop/program/accessibility/testing.h"

namespace dt::desktop {
namespace {

namespace bj = boost::json;
using testing::AccessibilityTest;

std::vector<std::string> texts(const bj::value& list) {
  std::vector<std::string> out;
  for (const auto& item : list.as_array()) out.emplace_back(item.as_string().c_str());
  return out;
}
bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}
std::string text(const bj::object& node, const char* member) { return node.at(member).as_string().c_str(); }

// The first node of a tree, in pre-order, with this name.
const bj::object* find_name(const bj::object& node, std::string_view name) {
  if (node.at("name").as_string() == bj::string_view(name.data(), name.size())) return &node;
  const bj::value* children = node.if_contains("children");
  if (!children) return nullptr;
  for (const auto& child : children->as_array())
    if (const auto* found = find_name(child.as_object(), name)) return found;
  return nullptr;
}
size_t count_nodes(const bj::object& node) {
  size_t count = 1;
  if (const bj::value* children = node.if_contains("children"))
    for (const auto& child : children->as_array()) count += count_nodes(child.as_object());
  return count;
}

TEST_F(AccessibilityTest, TreeShowsWidgets) {
  start_desktop();
  pid_t pid = start_window();
  auto has_bounds = [&] {
    return find_name(get("/tree?scope=all").body.at("root").as_object(), "Press me") != nullptr;
  };
  ASSERT_TRUE(eventually(has_bounds));
  Reply reply = get("/tree?scope=pid&pid=" + std::to_string(pid));
  ASSERT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.body.at("truncated").as_bool());
  const bj::object& root = reply.body.at("root").as_object();
  EXPECT_EQ(text(root, "role"), "application");
  EXPECT_TRUE(root.at("states").is_array());
  const bj::object* window = find_name(root, "Accessibility test");
  ASSERT_NE(window, nullptr);
  EXPECT_EQ(text(*window, "role"), "frame");
  EXPECT_GT(window->at("bounds").as_object().at("width").as_int64(), 50);
  const bj::object* button = find_name(root, "Press me");
  ASSERT_NE(button, nullptr);
  EXPECT_EQ(text(*button, "role"), "push button");
  EXPECT_EQ(texts(button->at("actions")), std::vector<std::string>{"Click"});
  for (const char* state : {"enabled", "focusable", "sensitive", "showing", "visible"})
    EXPECT_TRUE(contains(texts(button->at("states")), state)) << state;
  EXPECT_GT(button->at("bounds").as_object().at("height").as_int64(), 5);
  EXPECT_FALSE(button->contains("children"));
  EXPECT_FALSE(button->contains("description"));
  const bj::object* entry = find_name(root, "Surname");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(text(*entry, "description"), "Of the person");
  EXPECT_TRUE(contains(texts(entry->at("states")), "editable"));
  const bj::object* grey = find_name(root, "Grüße 🙂");
  ASSERT_NE(grey, nullptr);
  EXPECT_FALSE(contains(texts(grey->at("states")), "sensitive"));
  EXPECT_EQ(find_name(root, "Label 0"), nullptr);
}

TEST_F(AccessibilityTest, ScopeAndDepth) {
  start_desktop();
  pid_t pid = start_window();
  Reply all = get("/tree?scope=%20ALL%20");
  ASSERT_EQ(all.status, 200);
  EXPECT_EQ(text(all.body.at("root").as_object(), "role"), "desktop frame");
  Reply focused = get("/tree");
  ASSERT_EQ(focused.status, 200);
  EXPECT_EQ(text(focused.body.at("root").as_object(), "role"), "application");
  std::string of = "/tree?scope=pid&pid=" + std::to_string(pid) + "&maxDepth=";
  EXPECT_EQ(count_nodes(get(of + "0").body.at("root").as_object()), 1u);
  Reply one = get(of + "1");
  EXPECT_EQ(count_nodes(one.body.at("root").as_object()), 2u);
  EXPECT_FALSE(one.body.at("truncated").as_bool());
  EXPECT_GT(count_nodes(get(of + "-1").body.at("root").as_object()), 8u);
}

class FocusTest : public AccessibilityTest {
 public:
  // Without a window manager no window is active; X tells a program so when it has the input focus.
  bool activate(pid_t pid) {
    Reply reply =
        post("/find", {{"scope", "pid"}, {"pid", pid}, {"name", "Surname"}, {"nameMatch", "exact"}});
    if (reply.status != 200 || reply.body.at("matches").as_array().empty()) return false;
    EXPECT_EQ(
        post("/node/focus", {{"id", reply.body.at("matches").as_array()[0].as_object().at("id")}}).status,
        200);
    reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"role", "frame"}, {"states", {"active"}}});
    return reply.status == 200 && reply.body.at("matches").as_array().size() == 1;
  }
  std::string root(const std::string& scope) {
    Reply reply = get("/tree?maxDepth=0" + scope);
    return reply.status == 200 ? text(reply.body.at("root").as_object(), "id") : "";
  }
  std::string root_of(pid_t pid) { return root("&scope=pid&pid=" + std::to_string(pid)); }
};

TEST_F(FocusTest, FocusedIsTheApplicationWithTheActiveWindow) {
  start_desktop();
  start_window();
  pid_t second = start_window();
  ASSERT_TRUE(eventually([&] { return activate(second); }));
  EXPECT_TRUE(eventually([&] { return root("") == root_of(second); }));
}

TEST_F(FocusTest, AnActiveWindowThatNobodySeesDoesNotCount) {
  start_desktop();
  pid_t first = start_window();
  ::setenv("TEST_WINDOW_AT", "-3000,-3000", 1);
  pid_t second = start_window();
  ::unsetenv("TEST_WINDOW_AT");
  ASSERT_TRUE(eventually([&] { return activate(second); }));
  EXPECT_EQ(root(""), root_of(first));
}

TEST_F(FocusTest, WhereNoWindowSaysThatItIsActiveTheWindowManagerDoes) {
  start_desktop();
  ::setenv("TEST_WINDOW_AT", "-3000,-3000", 1);
  start_window();
  ::setenv("TEST_WINDOW_CLAIMS", "1", 1);
  pid_t second = start_window();
  ::unsetenv("TEST_WINDOW_AT");
  ::unsetenv("TEST_WINDOW_CLAIMS");
  EXPECT_TRUE(eventually([&] { return root("") == root_of(second); }));
}

TEST_F(AccessibilityTest, FindsByRoleNameAndStates) {
  start_desktop();
  start_window();
  EXPECT_EQ(text(only({{"name", "Press me"}, {"role", "PUSH BUTTON"}}), "role"), "push button");
  EXPECT_EQ(text(only({{"name", "ress m"}}), "name"), "Press me");
  EXPECT_EQ(text(only({{"name", "^Pr.*me$"}, {"nameMatch", "regex"}}), "name"), "Press me");
  EXPECT_EQ(text(only({{"name", "(?i)PRESS\\s+me"}, {"nameMatch", "regex"}}), "name"), "Press me");
  EXPECT_EQ(text(only({{"role", "check box"}, {"states", {"checked", "showing"}}}), "name"), "Agree");
  bj::object whole = only({{"name", "Surname"}});
  EXPECT_EQ(text(whole, "description"), "Of the person");
  EXPECT_TRUE(contains(texts(whole.at("states")), "focusable"));
  EXPECT_GT(whole.at("bounds").as_object().at("width").as_int64(), 5);
  auto count = [&](bj::object filters) {
    filters["scope"] = "all";
    return post("/find", filters).body.at("matches").as_array().size();
  };
  EXPECT_EQ(count({{"name", "ress m"}, {"nameMatch", "exact"}}), 0u);
  EXPECT_EQ(count({{"name", "press me"}}), 0u);
  EXPECT_EQ(count({{"name", "Press me"}, {"role", "label"}}), 0u);
  EXPECT_EQ(count({{"role", "push button"}, {"states", {"sensitive"}}}), 3u);
  EXPECT_EQ(count({{"role", "push button"}, {"states", {"no such state"}}}), 0u);
  EXPECT_EQ(count({{"role", "push button"}}), 4u);
}

TEST_F(AccessibilityTest, FindKeepsTheLimitAndTheOrder) {
  start_desktop();
  start_window();
  Reply two = post("/find", {{"scope", "all"}, {"role", "push button"}, {"limit", 2}});
  const auto& matches = two.body.at("matches").as_array();
  ASSERT_EQ(matches.size(), 2u);
  EXPECT_EQ(text(matches[0].as_object(), "name"), "Press me");
  EXPECT_EQ(text(matches[1].as_object(), "name"), "Remove");
  EXPECT_FALSE(matches[0].as_object().contains("children"));
  EXPECT_TRUE(two.body.at("truncated").as_bool());
  Reply four = post("/find", {{"scope", "all"}, {"role", "push button"}, {"limit", 4}});
  EXPECT_EQ(four.body.at("matches").as_array().size(), 4u);
  EXPECT_FALSE(four.body.at("truncated").as_bool());
  Reply everything = post("/find", {{"scope", "all"}});
  EXPECT_EQ(text(everything.body.at("matches").as_array()[0].as_object(), "role"), "desktop frame");
}

TEST_F(AccessibilityTest, InvokePresses) {
  start_desktop();
  start_window();
  std::string id = id_of({{"name", "Press me"}});
  Reply reply = post("/node/invoke", {{"id", id}});
  EXPECT_EQ(reply.status, 200) << reply.error();
  EXPECT_TRUE(reply.body.empty());
  EXPECT_TRUE(eventually([&] { return content("pressed") == "1"; }));
  EXPECT_EQ(post("/node/invoke", {{"id", id}, {"action", "CLICK"}}).status, 200);
  EXPECT_TRUE(eventually([&] { return content("pressed") == "2"; }));
  reply = post("/node/invoke", {{"id", id}, {"action", "fly"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "A11Y_ACTION_NOT_SUPPORTED");
  EXPECT_NE(reply.error().find("\"Click\""), std::string::npos) << reply.error();
  reply = post("/node/invoke", {{"id", id_of({{"name", "Doomed"}})}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "A11Y_ACTION_NOT_SUPPORTED");
}

TEST_F(AccessibilityTest, ValueSetsTextsAndNumbers) {
  start_desktop();
  start_window();
  std::string entry = id_of({{"name", "Surname"}});
  EXPECT_EQ(post("/node/value", {{"id", entry}, {"value", "Müller 🙂"}}).status, 200);
  EXPECT_TRUE(eventually([&] { return content("text") == "Müller 🙂"; })) << content("text");
  EXPECT_EQ(post("/node/value", {{"id", entry}, {"value", ""}}).status, 200);
  EXPECT_TRUE(eventually([&] { return content("text").empty(); }));
  std::string slider = id_of({{"name", "Volume"}});
  EXPECT_EQ(post("/node/value", {{"id", slider}, {"value", "42.0"}}).status, 200);
  EXPECT_TRUE(eventually([&] { return content("value") == "42.0"; })) << content("value");
  Reply reply = post("/node/value", {{"id", slider}, {"value", "loud"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "A11Y_INVALID_REQUEST");
  reply = post("/node/value", {{"id", id_of({{"name", "Doomed"}})}, {"value", "x"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "A11Y_ACTION_NOT_SUPPORTED");
}

TEST_F(AccessibilityTest, FocusMovesTheFocus) {
  start_desktop();
  start_window();
  std::string entry = id_of({{"name", "Surname"}});
  Reply reply = post("/node/focus", {{"id", entry}});
  EXPECT_EQ(reply.status, 200) << reply.error();
  EXPECT_TRUE(reply.body.empty());
  auto focused = [&] {
    Reply found = post("/find", {{"scope", "all"}, {"states", {"focused"}}, {"name", "Surname"}});
    return found.body.at("matches").as_array().size() == 1;
  };
  EXPECT_TRUE(eventually(focused));
  reply = post("/node/focus", {{"id", id_of({{"name", "Accessibility test"}, {"role", "frame"}})}});
  EXPECT_TRUE(reply.status == 200 || reply.code() == "A11Y_ACTION_NOT_SUPPORTED") << reply.error();
  reply = post("/node/focus", {{"id", id_of({{"role", "application"}})}});
  EXPECT_EQ(reply.code(), "A11Y_ACTION_NOT_SUPPORTED");
}

TEST_F(AccessibilityTest, NodesThatVanishAreNotFound) {
  start_desktop();
  start_window();
  std::string doomed = id_of({{"name", "Doomed"}});
  EXPECT_EQ(post("/node/invoke", {{"id", id_of({{"name", "Remove"}})}}).status, 200);
  auto gone = [&] {
    return post("/find", {{"scope", "all"}, {"name", "Doomed"}}).body.at("matches").as_array().empty();
  };
  ASSERT_TRUE(eventually(gone));
  for (const std::string& id : {doomed, std::string(":1.9999:/org/a11y/atspi/accessible/1"),
                                std::string("org.example.Nobody:/org/a11y/atspi/accessible/1"),
                                doomed.substr(0, doomed.find(":/")) + ":/no/such/object"}) {
    for (const char* operation : {"/node/focus", "/node/invoke", "/node/value"}) {
      Reply reply = post(operation, {{"id", id}, {"value", "1"}});
      EXPECT_EQ(reply.status, 404) << operation << " " << id << " " << reply.error();
      EXPECT_EQ(reply.code(), "A11Y_NODE_NOT_FOUND");
      EXPECT_TRUE(reply.error().starts_with("accessibility node not found: ")) << reply.error();
    }
  }
}

TEST_F(AccessibilityTest, WrongRequestsAreRefused) {
  start_session();
  auto expect = [&](const Reply& reply, const char* code, const char* begin) {
    EXPECT_EQ(reply.status, 400) << reply.error();
    EXPECT_EQ(reply.code(), code) << reply.error();
    EXPECT_TRUE(reply.error().starts_with(begin)) << reply.error();
  };
  for (const char* target : {"/tree?scope=pid", "/tree?scope=pid&pid=0", "/tree?scope=pid&pid=-4",
                             "/tree?pid=x", "/tree?maxDepth=deep", "/tree?maxDepth=1.5"})
    expect(get(target), "A11Y_INVALID_REQUEST", "invalid accessibility request: ");
  expect(get("/tree?scope=window"), "A11Y_INVALID_SCOPE", "invalid accessibility scope: ");
  expect(post("/find", {{"scope", "window"}}), "A11Y_INVALID_SCOPE", "invalid accessibility scope: ");
  for (const bj::object& body :
       {bj::object{{"nameMatch", "glob"}}, bj::object{{"name", "("}, {"nameMatch", "regex"}},
        bj::object{{"name", "a\\1"}, {"nameMatch", "regex"}}, bj::object{{"scope", "pid"}},
        bj::object{{"scope", "pid"}, {"pid", -1}}, bj::object{{"role", 5}}, bj::object{{"states", "focused"}},
        bj::object{{"name", std::string(5000, 'a')}, {"nameMatch", "regex"}}, bj::object{{"limit", "many"}}})
    expect(post("/find", body), "A11Y_INVALID_REQUEST", "invalid accessibility request: ");
  expect(call("POST", "/find", "{"), "A11Y_INVALID_REQUEST", "invalid accessibility request: ");
  for (const char* id : {"", "x", "/a", ":/a", "a.b/c", "a.b:/c/", "a b.c:/d", ":1.2:/a-b", "x:/a"})
    for (const char* operation : {"/node/focus", "/node/invoke", "/node/value"})
      expect(post(operation, {{"id", id}}), "A11Y_INVALID_REQUEST", "invalid accessibility request: ");
}

TEST_F(AccessibilityTest, WithoutABusItIsUnavailable) {
  auto expect = [&] {
    for (const Reply& reply :
         {get("/tree"), post("/find", bj::object()), post("/node/focus", {{"id", ":1.2:/a"}})}) {
      EXPECT_EQ(reply.status, 503);
      EXPECT_EQ(reply.code(), "A11Y_UNAVAILABLE");
      EXPECT_TRUE(reply.error().starts_with("accessibility bus not reachable: ")) << reply.error();
      EXPECT_EQ(text(reply.body, "message"), reply.error());
    }
  };
  expect();
  ::setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  expect();
  ::setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=localhost", 1);
  expect();
}

TEST_F(AccessibilityTest, WithoutApplicationsThereIsNoRoot) {
  start_desktop();
  for (const char* target : {"/tree", "/tree?scope=pid&pid=1"}) {
    Reply reply = get(target);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.code(), "A11Y_NO_ACCESSIBLE_ROOT");
    EXPECT_TRUE(reply.error().starts_with("no accessible root for focused window: ")) << reply.error();
  }
  EXPECT_EQ(count_nodes(get("/tree?scope=all").body.at("root").as_object()), 1u);
}

TEST_F(AccessibilityTest, ANewSessionIsConnectedTo) {
  start_desktop();
  EXPECT_EQ(get("/tree?scope=all").status, 200);
  session_->stop();
  ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
  // The accessibility bus ends with its launcher, and that with the session.
  EXPECT_TRUE(eventually([&] { return get("/tree?scope=all").status == 503; }));
  start_session();
  pid_t pid = start_window();
  EXPECT_EQ(get("/tree?scope=pid&pid=" + std::to_string(pid)).status, 200);
}

TEST_F(AccessibilityTest, AFrozenApplicationIsLeftOut) {
  start_desktop();
  pid_t frozen = start_window();
  std::string id = id_of({{"name", "Freeze"}});
  std::string button = id_of({{"name", "Press me"}});
  EXPECT_EQ(post("/node/invoke", {{"id", id}}).status, 200);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dir_ + "/frozen"); }));
  pid_t alive = start_window();
  EXPECT_NE(frozen, alive);
  Reply reply = post("/find", {{"scope", "all"}, {"name", "Press me"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.at("matches").as_array().size(), 1u);
  EXPECT_TRUE(reply.body.at("truncated").as_bool());
  reply = post("/node/invoke", {{"id", button}});
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.code(), "A11Y_INTERNAL");
  EXPECT_NE(reply.error().find("does not answer"), std::string::npos) << reply.error();
}

TEST_F(AccessibilityTest, LargeTrees) {
  start_desktop();
  pid_t pid = start_window({5000});
  std::string of = "scope=pid&pid=" + std::to_string(pid);
  Reply reply;
  size_t nodes = 0;
  auto whole = [&] {
    reply = get("/tree?" + of);
    nodes = reply.status == 200 ? count_nodes(reply.body.at("root").as_object()) : 0;
    return nodes > 5100;
  };
  ASSERT_TRUE(eventually(whole)) << nodes;
  EXPECT_FALSE(reply.body.at("truncated").as_bool());
  Mono begin = after(Millis(0));
  reply = get("/tree?" + of);
  auto tree_time = std::chrono::duration_cast<Millis>(after(Millis(0)) - begin);
  begin = after(Millis(0));
  reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"name", "Label 4999"}});
  auto find_time = std::chrono::duration_cast<Millis>(after(Millis(0)) - begin);
  EXPECT_EQ(reply.body.at("matches").as_array().size(), 1u);
  std::printf("%zu nodes: tree %lld ms, find %lld ms\n", nodes, static_cast<long long>(tree_time.count()),
              static_cast<long long>(find_time.count()));
  reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"role", "label"}});
  EXPECT_EQ(reply.body.at("matches").as_array().size(), 500u);
  EXPECT_TRUE(reply.body.at("truncated").as_bool());
}

TEST_F(AccessibilityTest, WalksEndAtTheirLimits) {
  start_desktop();
  pid_t pid = start_window({0, 12'000, 12'000});
  // Two tables of 12000 cells are more than a walk reads.
  Reply reply;
  auto cells = [&] {
    reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"role", "table cell"}, {"limit", 1'000'000}});
    return reply.status == 200 && !reply.body.at("matches").as_array().empty();
  };
  ASSERT_TRUE(eventually(cells));
  EXPECT_EQ(reply.body.at("matches").as_array().size(), 5000u);
  EXPECT_TRUE(reply.body.at("truncated").as_bool());
  reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"name", "No such name"}});
  EXPECT_TRUE(reply.body.at("matches").as_array().empty());
  EXPECT_TRUE(reply.body.at("truncated").as_bool());
}

TEST_F(AccessibilityTest, OfHugeTablesTheFirstCellsAreRead) {
  start_desktop();
  pid_t pid = start_window({0, 30'000});
  Reply reply;
  auto cells = [&] {
    reply = post("/find", {{"scope", "pid"}, {"pid", pid}, {"role", "table cell"}, {"limit", 5000}});
    return reply.status == 200 && !reply.body.at("matches").as_array().empty();
  };
  ASSERT_TRUE(eventually(cells));
  const auto& matches = reply.body.at("matches").as_array();
  ASSERT_EQ(matches.size(), 999u);  // the first child is the column's header
  EXPECT_EQ(text(matches[998].as_object(), "name"), "Cell 998");
  EXPECT_TRUE(reply.body.at("truncated").as_bool());
}

}  // namespace
}  // namespace dt::desktop
