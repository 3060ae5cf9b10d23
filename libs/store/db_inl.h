// Template members of db.h.
#pragma once

namespace dt::store {

template <class Map, class... Args>
auto Reader::one(std::string_view sql, Map map, const Args&... args)
    -> Result<std::optional<std::invoke_result_t<Map, const Row&>>> {
  using T = std::invoke_result_t<Map, const Row&>;
  TRY(auto statement, query(sql, args...));
  TRY(bool found, statement.step());
  if (!found) return std::optional<T>();
  return std::optional<T>(map(statement.row()));
}

template <class Map, class... Args>
auto Reader::all(std::string_view sql, Map map, const Args&... args)
    -> Result<std::vector<std::invoke_result_t<Map, const Row&>>> {
  TRY(auto statement, query(sql, args...));
  std::vector<std::invoke_result_t<Map, const Row&>> rows;
  for (;;) {
    TRY(bool more, statement.step());
    if (!more) return rows;
    rows.push_back(map(statement.row()));
  }
}

namespace detail {
// Tells that a write closure will not run (any more): set when the writer lets go of it.
struct ClosureDone {
  std::shared_ptr<std::atomic<bool>> flag;
  explicit ClosureDone(std::shared_ptr<std::atomic<bool>> f) : flag(std::move(f)) {}
  ClosureDone(ClosureDone&&) noexcept = default;
  ClosureDone& operator=(ClosureDone&&) = delete;
  ~ClosureDone() {
    if (!flag) return;
    flag->store(true);
    flag->notify_all();
  }
};
}  // namespace detail

// The coroutine may be destroyed while it waits. The closure may refer to its frame, so that blocks until the
// closure ended.
template <class Fn, class R>
struct Database::WriteAwaiter {
  struct State {
    std::optional<R> result;
    bool abandoned = false;  // loop thread only
  };
  Database& db;
  Fn& fn;
  std::shared_ptr<State> state = std::make_shared<State>();
  std::shared_ptr<std::atomic<bool>> done = {};

  WriteAwaiter(Database& d, Fn& f) : db(d), fn(f) {}
  WriteAwaiter(const WriteAwaiter&) = delete;
  ~WriteAwaiter() {
    if (!done) return;
    state->abandoned = true;
    done->wait(false);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    done = std::make_shared<std::atomic<bool>>(false);
    auto job = [state = state, fn = &fn, guard = detail::ClosureDone(done)](Txn& txn) -> Status {
      state->result.emplace((*fn)(txn));
      if (!*state->result) return std::unexpected(state->result->error());
      return {};
    };
    db.submit(std::move(job), [state = state, h](Status committed) {
      if (state->abandoned) return;
      if (!committed) state->result.emplace(std::unexpected(std::move(committed).error()));
      h.resume();
    });
  }
  R await_resume() {
    done.reset();
    return std::move(*state->result);
  }
};

template <class Fn>
auto Database::write(Fn fn) -> Task<std::invoke_result_t<Fn&, Txn&>> {
  co_return co_await WriteAwaiter<Fn, std::invoke_result_t<Fn&, Txn&>>(*this, fn);
}

}  // namespace dt::store
