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

template <class Fn, class R>
struct Database::WriteAwaiter {
  Database& db;
  Fn& fn;
  std::optional<R> result;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    auto job = [this](Txn& txn) -> Status {
      result.emplace(fn(txn));
      if (!*result) return std::unexpected(result->error());
      return {};
    };
    db.submit(std::move(job), [this, h](Status committed) {
      if (!committed) result.emplace(std::unexpected(std::move(committed).error()));
      h.resume();
    });
  }
  R await_resume() { return std::move(*result); }
};

template <class Fn>
auto Database::write(Fn fn) -> Task<std::invoke_result_t<Fn&, Txn&>> {
  co_return co_await WriteAwaiter<Fn, std::invoke_result_t<Fn&, Txn&>>{*this, fn, {}};
}

}  // namespace dt::store
