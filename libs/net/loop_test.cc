#include "libs/net/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "libs/net/http_test_util.h"

namespace dt {
namespace {

using std::chrono::steady_clock;
using test::run;

TEST(Loop, RunUntilGivesResultsAndExceptions) {
  EXPECT_EQ(run([]() -> Task<int> { co_return 5; }()), 5);
  EXPECT_THROW(run([]() -> Task<void> {
                 co_await Loop::current().yield();
                 throw std::runtime_error("x");
               }()),
               std::runtime_error);
  Loop loop;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(loop.run_until([](int v) -> Task<int> { co_return v; }(i)), i);
}

TEST(Loop, TimersFireInOrder) {
  run([]() -> Task<void> {
    std::vector<int> order;
    TaskScope scope("timers");
    Mono base = after(Millis(10));
    for (int delay : {30, 10, 20, 0, 40, 15}) {
      scope.spawn([](std::vector<int>& out, Mono at, int label) -> Task<void> {
        co_await Loop::current().sleep_until(at);
        EXPECT_GE(steady_clock::now(), at);
        out.push_back(label);
      }(order, base + Millis(delay), delay));
    }
    co_await scope.join();
    EXPECT_EQ(order, (std::vector<int>{0, 10, 15, 20, 30, 40}));
  }());
}

TEST(Loop, ManyTimersArmedAndCancelled) {
  run([]() -> Task<void> {
    uint32_t seed = 1;
    std::vector<std::unique_ptr<TaskScope>> scopes;
    int fired = 0;
    for (int i = 0; i < 2000; ++i) {
      seed = seed * 1664525 + 1013904223;
      scopes.push_back(std::make_unique<TaskScope>("t"));
      scopes.back()->spawn([](int ms, int& count) -> Task<void> {
        co_await Loop::current().sleep_for(Millis(ms));
        ++count;
      }(static_cast<int>(seed >> 16) % 50 + 20, fired));
    }
    for (size_t i = 0; i < scopes.size(); i += 2) scopes[i]->stop_now();
    for (auto& scope : scopes) co_await scope->join();
    EXPECT_EQ(fired, 1000);
  }());
}

TEST(Loop, PostFromOtherThreads) {
  run([]() -> Task<void> {
    Loop& loop = Loop::current();
    int count = 0;
    Event all;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 5000; ++i)
          loop.post([&] {
            if (++count == 20'000) all.set();
          });
      });
    bool done = co_await all.wait(after(Millis(20'000)));
    EXPECT_TRUE(done);
    for (auto& t : threads) t.join();
  }());
}

TEST(Loop, StopFromAnotherThreadEndsRun) {
  Loop loop;
  std::thread stopper([&] {
    usleep(10'000);
    loop.stop();
  });
  loop.run();
  stopper.join();
}

TEST(Loop, YieldIsFair) {
  run([]() -> Task<void> {
    std::string order;
    TaskScope scope("yield");
    for (char c : {'a', 'b', 'c'}) {
      scope.spawn([](std::string& out, char label) -> Task<void> {
        for (int i = 0; i < 3; ++i) {
          out += label;
          co_await Loop::current().yield();
        }
      }(order, c));
    }
    co_await scope.join();
    EXPECT_EQ(order, "abcabcabc");
  }());
}

TEST(Watch, ReadableWritableDeadlineAndCancel) {
  run([]() -> Task<void> {
    Pipe pipe = std::move(*make_pipe(O_NONBLOCK));
    Watch read_end(pipe.read.get());
    bool ready = co_await read_end.readable(after(Millis(20)));
    EXPECT_FALSE(ready);
    EXPECT_EQ(write(pipe.write.get(), "x", 1), 1);
    ready = co_await read_end.readable();
    EXPECT_TRUE(ready);
    Watch write_end(pipe.write.get());
    ready = co_await write_end.writable();
    EXPECT_TRUE(ready);
    TaskScope scope("cancel");
    scope.spawn([](Watch& w) -> Task<void> {
      co_await Loop::current().sleep_for(Millis(10));
      w.cancel();
    }(read_end));
    ready = co_await read_end.readable();
    EXPECT_FALSE(ready);
    ready = co_await read_end.readable();
    EXPECT_FALSE(ready);
    co_await scope.join();
  }());
}

TEST(Watch, HangupIsReportedOnceAlsoWhenItWasEarlier) {
  run([]() -> Task<void> {
    Pipe pipe = std::move(*make_pipe(O_NONBLOCK));
    Watch watch(pipe.read.get());
    int hangups = 0;
    watch.on_hangup([&] { ++hangups; });
    pipe.write.reset();
    for (int i = 0; i < 10 && !hangups; ++i) co_await Loop::current().sleep_for(Millis(2));
    EXPECT_EQ(hangups, 1);
    watch.on_hangup([&] { ++hangups; });
    EXPECT_EQ(hangups, 2);
    watch.on_hangup(nullptr);
  }());
}

TEST(Watch, RegularFilesAreAlwaysReady) {
  run([]() -> Task<void> {
    auto fd = open_file("/proc/self/exe", O_RDONLY);
    Watch watch(fd->get());
    for (int i = 0; i < 3; ++i) {
      bool ready = co_await watch.readable();
      EXPECT_TRUE(ready);
    }
  }());
}

TEST(Watch, DestroyedByTheHandlerOfTheSameBatch) {
  run([]() -> Task<void> {
    // Both ends become ready in one round; whoever comes first destroys the other.
    std::vector<Pipe> pipes;
    std::vector<std::unique_ptr<Watch>> watches;
    for (int i = 0; i < 20; ++i) {
      pipes.push_back(std::move(*make_pipe(O_NONBLOCK)));
      watches.push_back(std::make_unique<Watch>(pipes.back().read.get()));
    }
    int called = 0;
    for (auto& watch : watches)
      watch->on_hangup([&] {
        ++called;
        for (auto& w : watches)
          if (w.get() != watches.front().get()) w.reset();
      });
    for (Pipe& pipe : pipes) pipe.write.reset();
    co_await Loop::current().sleep_for(Millis(20));
    EXPECT_GE(called, 1);
    EXPECT_LE(called, 2);
  }());
}

TEST(Event, SetResetAndDeadline) {
  run([]() -> Task<void> {
    Event event;
    bool set = co_await event.wait(after(Millis(5)));
    EXPECT_FALSE(set);
    int woken = 0;
    TaskScope scope("waiters");
    for (int i = 0; i < 5; ++i)
      scope.spawn([](Event& e, int& count) -> Task<void> {
        bool ok = co_await e.wait();
        EXPECT_TRUE(ok);
        ++count;
      }(event, woken));
    event.set();
    event.reset();
    co_await scope.join();
    EXPECT_EQ(woken, 5);
    EXPECT_FALSE(event.is_set());
  }());
}

TEST(CancelSource, CallbacksRunOnceAndCanBeRemoved) {
  CancelSource source;
  std::string calls;
  CancelSource copy = source;
  source.on_cancel([&] { calls += "a"; });
  size_t removed = source.on_cancel([&] { calls += "b"; });
  source.on_cancel([&] {
    calls += "c";
    source.cancel();
  });
  source.remove(removed);
  copy.cancel();
  copy.cancel();
  EXPECT_EQ(calls, "ac");
  EXPECT_TRUE(source.cancelled());
  source.on_cancel([&] { calls += "d"; });
  EXPECT_EQ(calls, "acd");
}

TEST(TaskScope, FailuresAreLoggedAndOthersGoOn) {
  run([]() -> Task<void> {
    TaskScope scope("failing");
    bool other = false;
    scope.spawn([]() -> Task<void> {
      co_await Loop::current().yield();
      throw std::runtime_error("expected by the test");
    }());
    scope.spawn([](bool& done) -> Task<void> {
      co_await Loop::current().sleep_for(Millis(5));
      done = true;
    }(other));
    EXPECT_EQ(scope.running(), 2u);
    co_await scope.join();
    EXPECT_TRUE(other);
    EXPECT_EQ(scope.running(), 0u);
  }());
}

struct CountDestroyed {
  int& count;
  ~CountDestroyed() { ++count; }
};

TEST(TaskScope, DestroyingWaitingTasksIsSafe) {
  run([]() -> Task<void> {
    int destroyed = 0;
    Event event;
    Pipe pipe = std::move(*make_pipe(O_NONBLOCK));
    Watch watch(pipe.read.get());
    WorkerPool pool(1);
    {
      TaskScope scope("destroyed");
      scope.spawn([](int& n, Event& e) -> Task<void> {
        CountDestroyed c{n};
        co_await e.wait(after(Millis(1)));
      }(destroyed, event));
      scope.spawn([](int& n, Watch& w) -> Task<void> {
        CountDestroyed c{n};
        co_await w.readable(after(Millis(1)));
      }(destroyed, watch));
      scope.spawn([](int& n) -> Task<void> {
        CountDestroyed c{n};
        co_await Loop::current().yield();
      }(destroyed));
      scope.spawn([](int& n, WorkerPool& p) -> Task<void> {
        CountDestroyed c{n};
        co_await p.run([&c] {
          usleep(20'000);
          c.count += 100;
        });
      }(destroyed, pool));
      event.set();
      EXPECT_EQ(scope.running(), 4u);
    }
    EXPECT_EQ(destroyed, 104);
    EXPECT_EQ(write(pipe.write.get(), "x", 1), 1);
    co_await Loop::current().sleep_for(Millis(10));
  }());
}

TEST(Loop, MayBeDestroyedBeforeWhatWaitedOnIt) {
  auto scope = std::make_unique<TaskScope>("survivor");
  Pipe pipe = std::move(*make_pipe(O_NONBLOCK));
  Watch watch(pipe.read.get());
  {
    Loop loop;
    loop.run_until([](TaskScope& s, Watch& w) -> Task<void> {
      s.spawn([](Watch& waited) -> Task<void> { co_await waited.readable(after(Millis(1'000))); }(w));
      s.spawn([]() -> Task<void> { co_await Loop::current().yield(); }());
      co_return;
    }(*scope, watch));
  }
  scope.reset();
}

TEST(WorkerPool, ResultsExceptionsAndOrder) {
  run([]() -> Task<void> {
    WorkerPool pool(3);
    auto main_thread = std::this_thread::get_id();
    int value = co_await pool.run([&] {
      EXPECT_NE(std::this_thread::get_id(), main_thread);
      return 42;
    });
    EXPECT_EQ(value, 42);
    EXPECT_EQ(std::this_thread::get_id(), main_thread);
    std::unique_ptr<int> moved = co_await pool.run([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*moved, 7);
    bool thrown = false;
    try {
      co_await pool.run([] { throw std::runtime_error("in worker"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    int total = 0;
    TaskScope scope("many");
    for (int i = 0; i < 200; ++i)
      scope.spawn([](WorkerPool& p, int n, int& sum) -> Task<void> {
        int got = co_await p.run([n] { return n; });
        sum += got;
      }(pool, i, total));
    co_await scope.join();
    EXPECT_EQ(total, 199 * 200 / 2);
  }());
}

TEST(SignalWatch, TurnsSignalsIntoEvents) {
  SignalWatch signals;
  run([](SignalWatch& s) -> Task<void> {
    kill(getpid(), SIGTERM);
    int first = co_await s.next();
    EXPECT_EQ(first, SIGTERM);
    kill(getpid(), SIGINT);
    int second = co_await s.next();
    EXPECT_EQ(second, SIGINT);
  }(signals));
}

}  // namespace
}  // namespace dt
