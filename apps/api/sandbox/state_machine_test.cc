#include "apps/api/sandbox/state_machine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dt::api {
namespace {

using S = SandboxState;
using D = DesiredState;
using E = SandboxEvent;

template <class Fn>
void for_every_situation(Fn fn) {
  for (size_t s = 0; s < kSandboxStates; ++s)
    for (size_t d = 0; d < kDesiredStates; ++d)
      for (bool ephemeral : {false, true})
        for (bool has_runner : {false, true}) {
          auto state = static_cast<S>(s);
          auto desired = static_cast<D>(d);
          if (!pair_allowed(state, desired)) continue;
          Situation now{state, desired, settle_pending(state, desired, false), ephemeral, has_runner};
          fn(now);
        }
}

std::string describe(const Situation& now) {
  return std::string(to_string(now.state)) + "/" + std::string(to_string(now.desired)) +
         (now.pending ? "/pending" : "") + (now.ephemeral ? "/ephemeral" : "") +
         (now.has_runner ? "" : "/no runner");
}

void expect_sound(const Situation& now, const Transition& t, const std::string& what) {
  EXPECT_TRUE(pair_allowed(t.state, t.desired)) << what;
  if (t.changed) EXPECT_EQ(t.pending, settle_pending(t.state, t.desired, t.pending)) << what;
  if (!t.changed) {
    EXPECT_EQ(t.state, now.state) << what;
    EXPECT_EQ(t.desired, now.desired) << what;
    EXPECT_EQ(t.pending, now.pending) << what;
    EXPECT_FALSE(t.job) << what;
  }
  if (t.job) EXPECT_TRUE(t.pending) << what << ": a job without somebody waiting for it";
  if (t.state == S::destroyed) EXPECT_FALSE(t.job) << what;
}

TEST(StateMachine, EveryEventInEverySituationIsSound) {
  size_t cases = 0;
  for_every_situation([&](const Situation& now) {
    for (size_t e = 0; e < kSandboxEvents; ++e)
      for (bool busy : {false, true}) {
        auto t = react(now, static_cast<E>(e), busy);
        ++cases;
        std::string what = describe(now) + " event " + std::to_string(e);
        if (!t) {
          EXPECT_FALSE(t.error().message.empty()) << what;
          continue;
        }
        expect_sound(now, *t, what);
        if (busy) EXPECT_FALSE(t->job) << what;
      }
  });
  EXPECT_GT(cases, 4000u);
}

TEST(StateMachine, EveryReportInEverySituationIsSound) {
  for_every_situation([&](const Situation& now) {
    for (size_t s = 0; s < kSandboxStates; ++s) {
      auto t = report(now, static_cast<S>(s));
      if (t) expect_sound(now, *t, describe(now) + " reported " + std::string(to_string(static_cast<S>(s))));
    }
  });
}

// From everywhere: whatever is pending gets a job or is done, so nothing hangs after a restart.
TEST(StateMachine, ResumeLeavesNothingWaitingForNobody) {
  for_every_situation([&](const Situation& now) {
    Transition t = resume(now);
    expect_sound(now, t, describe(now));
    static constexpr S kOwned[] = {S::unknown, S::creating, S::starting,   S::started,  S::stopping,
                                   S::stopped, S::error,    S::destroying, S::destroyed};
    bool ours = std::ranges::find(kOwned, now.state) != std::end(kOwned) && now.desired != D::archived &&
                now.desired != D::paused;
    if (ours && now.pending) EXPECT_TRUE(t.job.has_value() || !t.pending) << describe(now);
  });
}

TEST(StateMachine, JobsEndWhereTheContractSays) {
  struct Row {
    S state;
    D desired;
    E event;
    S after;
    bool error = false;
  };
  static constexpr Row kRows[] = {
      {S::creating, D::started, E::create_completed, S::started},
      {S::creating, D::started, E::create_failed, S::error, true},
      {S::starting, D::started, E::start_completed, S::started},
      {S::starting, D::started, E::start_failed, S::error, true},
      {S::stopping, D::stopped, E::stop_completed, S::stopped},
      {S::stopping, D::stopped, E::stop_failed, S::error, true},
      {S::destroying, D::destroyed, E::destroy_completed, S::destroyed},
      {S::destroying, D::destroyed, E::destroy_failed, S::error, true},
  };
  for (const Row& row : kRows) {
    auto t = react({row.state, row.desired, true}, row.event);
    ASSERT_TRUE(t) << to_string(row.state);
    EXPECT_EQ(t->state, row.after);
    EXPECT_EQ(t->set_error, row.error);
    EXPECT_FALSE(t->pending);
  }
}

// A late result must not undo what was asked for meanwhile.
TEST(StateMachine, LateResultsAreIgnored) {
  EXPECT_FALSE(react({S::destroying, D::destroyed, true}, E::create_completed));
  EXPECT_FALSE(react({S::destroying, D::destroyed, true}, E::create_failed));
  EXPECT_FALSE(react({S::stopped, D::stopped}, E::start_completed));
  EXPECT_FALSE(react({S::started, D::started}, E::stop_completed));
  EXPECT_FALSE(react({S::error, D::started}, E::create_completed));
}

std::string refusal(S state, D desired, bool pending, E event) {
  auto t = react({state, desired, pending}, event);
  return t ? "" : t.error().message;
}

TEST(StateMachine, RefusalsOfTheContract) {
  EXPECT_EQ(refusal(S::error, D::started, false, E::start_requested), "Sandbox is in an errored state");
  EXPECT_EQ(refusal(S::creating, D::started, true, E::start_requested), "Sandbox state change in progress");
  EXPECT_EQ(refusal(S::stopping, D::stopped, true, E::start_requested), "Sandbox state change in progress");
  EXPECT_EQ(refusal(S::destroying, D::destroyed, true, E::start_requested),
            "Sandbox state change in progress");
  EXPECT_EQ(refusal(S::stopped, D::stopped, false, E::stop_requested), "Sandbox is not in a stoppable state");
  EXPECT_EQ(refusal(S::error, D::stopped, false, E::stop_requested), "Sandbox is in an errored state");
  EXPECT_EQ(refusal(S::creating, D::started, true, E::delete_requested), "Sandbox state change in progress");
  EXPECT_EQ(refusal(S::destroying, D::destroyed, true, E::delete_requested),
            "Sandbox state change in progress");
  EXPECT_EQ(react({S::started, D::stopped, true}, E::start_requested).error().code, Code::conflict);
}

TEST(StateMachine, Requests) {
  auto start = react({S::stopped, D::stopped}, E::start_requested);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->state, S::starting);
  EXPECT_EQ(start->job, SandboxJob::start);
  EXPECT_TRUE(start->renew_token);
  EXPECT_FALSE(react({S::started, D::started}, E::start_requested)->changed);

  auto stop = react({S::started, D::started}, E::stop_requested);
  EXPECT_EQ(stop->state, S::stopping);
  EXPECT_EQ(stop->job, SandboxJob::stop);
  auto ephemeral = react({S::started, D::started, false, true}, E::stop_requested);
  EXPECT_EQ(ephemeral->state, S::destroying);
  EXPECT_TRUE(ephemeral->free_name);

  for (S state : {S::started, S::stopped, S::error, S::build_failed, S::paused}) {
    D desired = state == S::stopped ? D::stopped : state == S::paused ? D::paused : D::started;
    auto gone = react({state, desired}, E::delete_requested);
    ASSERT_TRUE(gone) << to_string(state);
    EXPECT_EQ(gone->state, S::destroying);
    EXPECT_EQ(gone->job, SandboxJob::destroy);
  }
  auto nowhere = react({S::error, D::started, false, false, false}, E::delete_requested);
  EXPECT_EQ(nowhere->state, S::destroyed);
  EXPECT_FALSE(nowhere->job);
}

// Another job is unfinished: the wish is written, its job follows when that one ends.
TEST(StateMachine, BusyWaits) {
  auto stop = react({S::started, D::started}, E::stop_requested, true);
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->state, S::started);
  EXPECT_EQ(stop->desired, D::stopped);
  EXPECT_TRUE(stop->pending);
  EXPECT_EQ(display_state(stop->state, stop->desired), S::stopping);
  Transition next = resume({stop->state, stop->desired, stop->pending});
  EXPECT_EQ(next.job, SandboxJob::stop);
}

TEST(StateMachine, RunnerReports) {
  auto died = report({S::started, D::started}, S::stopped);
  EXPECT_EQ(died->state, S::stopped);
  EXPECT_EQ(died->desired, D::stopped);
  EXPECT_FALSE(died->pending);
  auto ephemeral = report({S::started, D::started, false, true}, S::stopped);
  EXPECT_EQ(ephemeral->state, S::destroying);
  EXPECT_EQ(ephemeral->job, SandboxJob::destroy);
  auto error = report({S::started, D::started}, S::error);
  EXPECT_EQ(error->state, S::error);
  EXPECT_EQ(error->desired, D::started);
  EXPECT_EQ(report({S::started, D::stopped, true}, S::stopped).error().code, Code::conflict);
  EXPECT_EQ(report({S::creating, D::started, true}, S::started).error().message,
            "Sandbox is not in a valid state to be updated");
}

TEST(StateMachine, DisplayStates) {
  EXPECT_EQ(display_state(S::unknown, D::started), S::creating);
  EXPECT_EQ(display_state(S::started, D::destroyed), S::destroying);
  EXPECT_EQ(display_state(S::stopped, D::started), S::starting);
  EXPECT_EQ(display_state(S::stopped, D::archived), S::archiving);
  EXPECT_EQ(display_state(S::error, D::destroyed), S::error);
}

TEST(StateMachine, WhatCounts) {
  EXPECT_EQ(holds(S::started, D::started), 2);
  EXPECT_EQ(holds(S::stopped, D::stopped), 1);
  EXPECT_EQ(holds(S::destroying, D::destroyed), 0);
  EXPECT_EQ(holds(S::error, D::started), 0);
}

}  // namespace
}  // namespace dt::api
