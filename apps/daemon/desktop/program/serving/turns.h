// One after the other: coroutines of one loop take turns in the order in which they came.
#pragma once
#include "libs/net/loop.h"

namespace dt::desktop {

class Turns {
 public:
  // Ends the turn when destroyed.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(&turns) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->next();
    }

   private:
    Turns* turns_;
  };

  Task<Turn> mine() {
    uint64_t number = given_++;
    while (number != serving_) {
      changed_.reset();
      co_await changed_.wait();
    }
    co_return Turn(*this);
  }

 private:
  void next() {
    ++serving_;
    changed_.set();
  }
  uint64_t given_ = 0;
  uint64_t serving_ = 0;
  Event changed_;
};

}  // namespace dt::desktop
