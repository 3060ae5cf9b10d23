#include "apps/api/sandbox/state_machine.h"

#include <algorithm>
#include <initializer_list>

namespace dt::api {
namespace {

using S = SandboxState;
using D = DesiredState;
using E = SandboxEvent;

bool in(S state, std::initializer_list<S> list) {
  return std::find(list.begin(), list.end(), state) != list.end();
}
bool failed(S state) { return in(state, {S::error, S::build_failed}); }

D matching_desired(S state, D otherwise) {
  switch (state) {
    case S::started:
      return D::started;
    case S::stopped:
      return D::stopped;
    case S::archived:
      return D::archived;
    case S::destroyed:
      return D::destroyed;
    case S::paused:
      return D::paused;
    default:
      return otherwise;
  }
}

bool settled(const Situation& now) {
  return now.state == S::started   ? now.desired == D::started
         : now.state == S::stopped ? now.desired == D::stopped
                                   : matching_desired(now.state, D::resized) == now.desired;
}

std::unexpected<Error> in_progress() { return fail(Code::conflict, "Sandbox state change in progress"); }
std::unexpected<Error> errored() { return fail(Code::bad_request, "Sandbox is in an errored state"); }
std::unexpected<Error> ignored() { return fail(Code::cancelled, "not the moment for this event"); }

Transition unchanged(const Situation& now) { return {now.state, now.desired, now.pending}; }

struct Step {
  D desired;
  S from;
  S to;
  SandboxJob job;
};
// Which job brings a state towards the desired one.
constexpr Step kSteps[] = {
    {D::started, S::unknown, S::creating, SandboxJob::create},
    {D::started, S::stopped, S::starting, SandboxJob::start},
    {D::started, S::paused, S::resuming, SandboxJob::start},
    {D::stopped, S::started, S::stopping, SandboxJob::stop},
    {D::stopped, S::paused, S::stopping, SandboxJob::stop},
    {D::destroyed, S::started, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::stopped, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::paused, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::archiving, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::error, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::build_failed, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::pending_build, S::destroying, SandboxJob::destroy},
    {D::destroyed, S::archived, S::destroying, SandboxJob::destroy},
    // A job that was lost: issued again, every job may run twice.
    {D::started, S::creating, S::creating, SandboxJob::create},
    {D::started, S::starting, S::starting, SandboxJob::start},
    {D::started, S::resuming, S::resuming, SandboxJob::start},
    {D::stopped, S::stopping, S::stopping, SandboxJob::stop},
    {D::destroyed, S::destroying, S::destroying, SandboxJob::destroy},
};

// Applies the next step to `t`, or leaves it waiting when there is none or another job is unfinished.
Transition advance(Transition t, bool has_runner, bool busy) {
  t.changed = true;
  if (t.desired == D::destroyed && !has_runner) t.state = S::destroyed;
  if (!busy) {
    for (const Step& step : kSteps) {
      if (step.desired != t.desired || step.from != t.state) continue;
      t.state = step.to;
      t.job = step.job;
      break;
    }
  }
  t.pending = settle_pending(t.state, t.desired, true);
  return t;
}

Result<Transition> start(const Situation& now, bool busy) {
  if (now.state == S::started && now.desired == D::started) return unchanged(now);
  if (failed(now.state)) return errored();
  if (!settled(now)) return in_progress();
  if (!in(now.state, {S::stopped, S::archived, S::archiving, S::paused}))
    return fail(Code::bad_request, "Sandbox is not in valid state");
  if (now.pending) return in_progress();
  if (now.state == S::paused) return fail(Code::unprocessable, "Resuming is not supported for this sandbox");
  if (now.state == S::archived)
    return fail(Code::unprocessable, "Restoring archived sandboxes is not supported by this server");
  return advance({.state = now.state, .desired = D::started, .renew_token = true}, now.has_runner, busy);
}

Transition destroy(const Situation& now, bool busy) {
  return advance({.state = now.state, .desired = D::destroyed, .free_name = true}, now.has_runner, busy);
}

Result<Transition> stop(const Situation& now, bool busy) {
  if (failed(now.state)) return errored();
  if (!settled(now)) return in_progress();
  if (!in(now.state, {S::started, S::paused}))
    return fail(Code::bad_request, "Sandbox is not in a stoppable state");
  if (now.pending) return in_progress();
  if (now.ephemeral) return destroy(now, busy);
  return advance({.state = now.state, .desired = D::stopped}, now.has_runner, busy);
}

Result<Transition> remove(const Situation& now, bool busy) {
  if (now.state == S::destroyed) return fail(Code::not_found, "Sandbox not found");
  if (now.pending && now.state != S::pending_build) return in_progress();
  if (now.desired == D::destroyed && !failed(now.state)) return in_progress();
  if (!pair_allowed(now.state, D::destroyed)) return in_progress();
  return destroy(now, busy);
}

bool at_rest(const Situation& now, S state) { return now.state == state && settled(now) && !now.pending; }

Result<Transition> auto_stop(const Situation& now, bool busy) {
  if (!at_rest(now, S::started)) return ignored();
  return stop(now, busy);
}

Result<Transition> auto_delete(const Situation& now, bool busy) {
  if (!at_rest(now, S::stopped)) return ignored();
  return destroy(now, busy);
}

Result<Transition> expire(const Situation& now, bool busy) {
  if (now.desired == D::destroyed && !failed(now.state)) return ignored();
  auto out = remove(now, busy);
  if (!out) return ignored();
  return out;
}

Result<Transition> became_started(const Situation& now, std::initializer_list<S> from) {
  if (now.desired != D::started || !in(now.state, from)) return ignored();
  return Transition{.state = S::started, .desired = D::started, .changed = true, .clear_error = true};
}

Result<Transition> became_stopped(const Situation& now) {
  if (now.desired != D::stopped || now.state != S::stopping) return ignored();
  return Transition{.state = S::stopped, .desired = D::stopped, .changed = true, .clear_error = true};
}

Result<Transition> became_destroyed(const Situation& now) {
  if (now.desired != D::destroyed || now.state == S::destroyed) return ignored();
  return Transition{.state = S::destroyed, .desired = D::destroyed, .changed = true};
}

// A failed job is an error of the sandbox only while the sandbox still waits for that job.
Result<Transition> became_error(const Situation& now, D desired, std::initializer_list<S> from) {
  if (now.desired != desired || !in(now.state, from)) return ignored();
  return Transition{.state = S::error, .desired = now.desired, .changed = true, .set_error = true};
}

}  // namespace

Result<Transition> react(const Situation& now, SandboxEvent event, bool busy) {
  switch (event) {
    case E::start_requested:
      return start(now, busy);
    case E::stop_requested:
      return stop(now, busy);
    case E::delete_requested:
      return remove(now, busy);
    case E::auto_stop_due:
      return auto_stop(now, busy);
    case E::auto_delete_due:
      return auto_delete(now, busy);
    case E::ttl_expired:
      return expire(now, busy);
    case E::create_completed:
      return became_started(now, {S::creating, S::restoring, S::pulling_snapshot, S::unknown});
    case E::create_failed:
      return became_error(now, D::started, {S::creating, S::restoring, S::pulling_snapshot, S::unknown});
    case E::start_completed:
      return became_started(now, {S::starting, S::resuming});
    case E::start_failed:
      return became_error(now, D::started, {S::starting, S::resuming});
    case E::stop_completed:
      return became_stopped(now);
    case E::stop_failed:
      return became_error(now, D::stopped, {S::stopping});
    case E::destroy_completed:
      return became_destroyed(now);
    case E::destroy_failed:
      return became_error(now, D::destroyed, {S::destroying});
  }
  return ignored();
}

Result<Transition> report(const Situation& now, SandboxState reported) {
  if (now.state == reported) return unchanged(now);
  if (!in(now.state, {S::started, S::stopped}))
    return fail(Code::bad_request, "Sandbox is not in a valid state to be updated");
  if (now.desired == D::destroyed) return unchanged(now);
  if (now.pending) return fail(Code::conflict, "Sandbox was modified by another operation");
  Transition t{.state = reported, .desired = matching_desired(reported, now.desired), .changed = true};
  if (!pair_allowed(t.state, t.desired))
    return fail(Code::bad_request, "Sandbox is not in a valid state to be updated");
  t.set_error = reported == S::error;
  t.free_name = reported == S::destroyed;
  // An ephemeral sandbox does not outlive its init.
  if (reported == S::stopped && now.ephemeral)
    return advance({.state = S::stopped, .desired = D::destroyed, .free_name = true}, now.has_runner, false);
  t.pending = settle_pending(t.state, t.desired, false);
  return t;
}

Transition resume(const Situation& now) {
  if (!now.pending) return unchanged(now);
  Transition t = advance({.state = now.state, .desired = now.desired}, now.has_runner, false);
  t.changed = t.job.has_value() || t.state != now.state || t.pending != now.pending;
  return t;
}

bool settle_pending(SandboxState state, DesiredState desired, bool pending) {
  if (failed(state) || desired == D::archived) return false;
  bool reached = matching_desired(state, D::resized) == desired && desired != D::resized;
  return !reached;
}

bool pair_allowed(SandboxState state, DesiredState desired) {
  switch (desired) {
    case D::started:
      return in(state,
                {S::started, S::stopped, S::starting, S::archived, S::archiving, S::creating, S::unknown,
                 S::restoring, S::pending_build, S::building_snapshot, S::pulling_snapshot, S::error,
                 S::build_failed, S::resizing, S::snapshotting, S::forking, S::paused, S::resuming});
    case D::stopped:
      return in(state, {S::started, S::stopping, S::stopped, S::error, S::build_failed, S::resizing,
                        S::snapshotting, S::forking, S::paused, S::pausing});
    case D::archived:
      return in(state, {S::archived, S::archiving, S::stopped, S::error, S::build_failed});
    case D::destroyed:
      return in(state, {S::destroyed, S::destroying, S::stopped, S::started, S::archived, S::archiving,
                        S::error, S::build_failed, S::pending_build, S::paused});
    case D::paused:
      return in(state, {S::started, S::pausing, S::paused});
    case D::resized:
      return false;
  }
  return false;
}

SandboxState display_state(SandboxState state, DesiredState desired) {
  struct Row {
    S state;
    D desired;
    S shown;
  };
  static constexpr Row kRows[] = {
      {S::started, D::stopped, S::stopping},   {S::started, D::destroyed, S::destroying},
      {S::stopped, D::started, S::starting},   {S::stopped, D::destroyed, S::destroying},
      {S::stopped, D::archived, S::archiving}, {S::unknown, D::started, S::creating},
      {S::archived, D::started, S::restoring},
  };
  for (const Row& row : kRows)
    if (row.state == state && row.desired == desired) return row.shown;
  return state;
}

int holds(SandboxState state, DesiredState desired) {
  switch (state) {
    case S::creating:
    case S::restoring:
    case S::started:
    case S::starting:
    case S::stopping:
    case S::pending_build:
    case S::building_snapshot:
    case S::unknown:
    case S::pulling_snapshot:
    case S::forking:
    case S::pausing:
    case S::resuming:
      return 2;
    case S::resizing:
    case S::snapshotting:
      return desired == D::started ? 2 : 1;
    case S::stopped:
      return desired == D::started ? 2 : 1;
    case S::paused:
    case S::archiving:
      return 1;
    case S::archived:
    case S::destroying:
    case S::destroyed:
    case S::error:
    case S::build_failed:
      return 0;
  }
  return 0;
}

}  // namespace dt::api
