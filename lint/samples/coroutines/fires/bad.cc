void f() { scope.spawn([&server]() -> Task<void> { co_await server.run(); }()); }
