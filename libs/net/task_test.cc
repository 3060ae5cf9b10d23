// The shapes of co_await that some compilers get wrong (docs/adr/001): each passes an instrumented value
// through one shape and checks that every object was destroyed exactly once and never copied bit by bit. A
// failure here means: do not use this compiler.
#include "libs/net/task.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dt {
namespace {

// Knows its own address, so a bitwise copy or a second destruction is noticed.
class Probe {
 public:
  explicit Probe(int v) : value(v), self_(this) { ++alive; }
  Probe(const Probe& o) : value(o.value), self_(this) {
    o.verify();
    ++alive;
  }
  Probe(Probe&& o) noexcept : value(o.value), self_(this) {
    o.verify();
    ++alive;
  }
  Probe& operator=(const Probe& o) {
    verify();
    o.verify();
    value = o.value;
    return *this;
  }
  ~Probe() {
    verify();
    self_ = nullptr;
    --alive;
  }
  void verify() const {
    if (self_ != this) ++broken;
  }
  int value;
  static inline int alive = 0;
  static inline int broken = 0;

 private:
  const Probe* self_;
};

struct Pack {
  Probe probe;
  std::string text = {};
  std::shared_ptr<int> shared = {};
};

// Runs a task whose awaits never suspend for long: they complete inside.
template <class T>
T get(Task<T> task) {
  struct Runner {
    struct promise_type {
      Runner get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
    };
  };
  std::optional<T> out;
  std::exception_ptr failure;
  [](Task<T> t, std::optional<T>& result, std::exception_ptr& bad) -> Runner {
    try {
      result.emplace(co_await std::move(t));
    } catch (...) {
      bad = std::current_exception();
    }
  }(std::move(task), out, failure);
  if (failure) std::rethrow_exception(failure);
  return std::move(*out);
}

Task<int> by_value(Pack p) { co_return p.probe.value + static_cast<int>(p.text.size()); }
Task<int> by_reference(const Pack& p) { co_return p.probe.value + (p.shared ? *p.shared : 0); }
Task<int> of_list(std::initializer_list<std::string> list) { co_return static_cast<int>(list.size()); }
Task<int> of_vector(std::vector<Probe> v) {
  int sum = 0;
  for (const Probe& p : v) sum += p.value;
  co_return sum;
}
Task<int> of_map(std::map<std::string, Probe> m) { co_return m.begin()->second.value; }
template <class Fn>
Task<int> call(Fn fn) {
  co_return fn();
}
Task<Probe> probe(int v) { co_return Probe(v); }
Task<bool> truth(bool v) { co_return v; }
Task<std::string> text(std::string v) { co_return v; }
struct Op {
  Probe probe;
  std::string name = {};
  Task<int> run() { co_return probe.value; }
};

Task<int> aggregates() {
  std::string s(40, 's');
  auto shared = std::make_shared<int>(5);
  int sum = co_await by_value({.probe = Probe(1), .text = s});
  sum += co_await by_value(Pack{Probe(2), s, shared});
  sum += co_await by_reference({.probe = Probe(3), .text = s, .shared = shared});
  sum += co_await by_reference(Pack{Probe(4)});
  EXPECT_EQ(shared.use_count(), 1);
  co_return sum;
}

Task<int> lists() {
  int sum = co_await of_list({"a", std::string(40, 'b')});
  sum += co_await of_vector({Probe(1), Probe(2)});
  sum += co_await of_map({{"a", Probe(3)}, {std::string(40, 'b'), Probe(4)}});
  co_return sum;
}

Task<int> lambdas() {
  Probe p(7);
  std::string s(40, 'x');
  int sum = co_await call([p, s] { return p.value + static_cast<int>(s.size()); });
  sum += co_await [](Probe t) -> Task<int> { co_return t.value; }(p);
  sum += co_await call([q = Probe(1)] { return q.value; });
  co_return sum;
}

Task<int> temporaries() {
  int sum = co_await Op{Probe(3), std::string(40, 'o')}.run();
  sum += (co_await probe(4)).value;
  co_return sum;
}

Task<int> ternaries(bool yes) {
  Probe a = yes ? co_await probe(1) : Probe(2);
  Probe b = yes ? Probe(3) : co_await probe(4);
  std::string c = yes ? co_await text(std::string(40, 'c')) : std::string("d");
  int sum = co_await by_value(yes ? Pack{Probe(5), std::string(40, 'e')} : Pack{Probe(6)});
  co_return a.value + b.value + static_cast<int>(c.size()) + sum;
}

Task<Pack> aggregate_results() {
  Pack p{.probe = co_await probe(1), .text = co_await text(std::string(40, 't'))};
  EXPECT_EQ(p.text.size(), 40u);
  co_return Pack{.probe = co_await probe(2), .text = co_await text("r")};
}

int g_after = 0;
Task<int> if_condition() {
  if (!co_await truth(true)) throw std::runtime_error("wrong");
  ++g_after;
  while (co_await truth(false)) throw std::runtime_error("wrong");
  switch ((co_await probe(3)).value) {
    case 3:
      co_return 3;
    default:
      co_return 0;
  }
}

Task<int> logic(bool a, bool b) {
  if (co_await truth(a) && co_await truth(b)) co_return 1;
  if (co_await truth(a) || co_await truth(b)) co_return 2;
  co_return 3;
}

Task<int> throws() {
  Probe p(1);
  throw std::runtime_error("thrown");
  co_return p.value;
}
Task<int> passes_exceptions() {
  Probe p(1);
  try {
    co_return co_await throws();
  } catch (const std::runtime_error& e) {
    co_return p.value + 10;
  }
}

Task<Result<int>> result_of(int v) {
  if (v < 0) co_return fail(Code::bad_request, std::string(40, 'n'));
  co_return v;
}
Task<Result<int>> tries(int v) {
  Probe p(v);
  CO_TRY(int first, co_await result_of(p.value));
  CO_TRY_VOID(co_await result_of(first));
  co_return first + 1;
}

Task<int> deep(int n) {
  if (n == 0) co_return 0;
  int below = co_await deep(n - 1);
  co_return below + 1;
}

Task<int> many_completed_awaits() {
  int sum = 0;
  for (int i = 0; i < 300'000; ++i) sum += co_await truth(true) ? 1 : 0;
  co_return sum;
}

class TaskShapes : public testing::Test {
 protected:
  void SetUp() override { Probe::alive = Probe::broken = 0; }
  void TearDown() override {
    EXPECT_EQ(Probe::alive, 0);
    EXPECT_EQ(Probe::broken, 0);
  }
};

TEST_F(TaskShapes, AggregatesInAwaitedExpressions) {
  EXPECT_EQ(get(aggregates()), 1 + 40 + 2 + 40 + 3 + 5 + 4);
}
TEST_F(TaskShapes, InitializerLists) { EXPECT_EQ(get(lists()), 2 + 3 + 3); }
TEST_F(TaskShapes, CapturingLambdas) { EXPECT_EQ(get(lambdas()), 47 + 7 + 1); }
TEST_F(TaskShapes, MembersOfTemporaries) { EXPECT_EQ(get(temporaries()), 7); }
TEST_F(TaskShapes, Ternaries) {
  EXPECT_EQ(get(ternaries(true)), 1 + 3 + 40 + 45);
  EXPECT_EQ(get(ternaries(false)), 2 + 4 + 1 + 6);
}
TEST_F(TaskShapes, AggregatesFromAwaits) { EXPECT_EQ(get(aggregate_results()).probe.value, 2); }
TEST_F(TaskShapes, AwaitsInConditions) {
  g_after = 0;
  EXPECT_EQ(get(if_condition()), 3);
  EXPECT_EQ(g_after, 1);
}
TEST_F(TaskShapes, ShortCircuit) {
  EXPECT_EQ(get(logic(true, true)), 1);
  EXPECT_EQ(get(logic(false, true)), 2);
  EXPECT_EQ(get(logic(false, false)), 3);
}
TEST_F(TaskShapes, Exceptions) { EXPECT_EQ(get(passes_exceptions()), 11); }
TEST_F(TaskShapes, TryMacros) {
  EXPECT_EQ(get(tries(1)).value(), 2);
  EXPECT_EQ(get(tries(-1)).error().message, std::string(40, 'n'));
}
TEST_F(TaskShapes, SymmetricTransferDoesNotGrowTheStack) {
  EXPECT_EQ(get(deep(1000)), 1000);
  EXPECT_EQ(get(many_completed_awaits()), 300'000);
}
TEST_F(TaskShapes, ATaskThatIsNeverAwaitedReleasesItsArguments) {
  {
    Task<int> unused = by_value(Pack{Probe(1)});
  }
  EXPECT_EQ(Probe::alive, 0);
}

}  // namespace
}  // namespace dt
