void f() {
  auto run = [](Server& server) -> Task<void> { co_await server.run(); };
  // outlives: run_until waits for it
  auto body = [&]() -> Task<void> { co_await run(server); };
}
