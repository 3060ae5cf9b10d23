// The spawner as a program of its own, for tests and measurements: `test_spawner spawner --fd N`.
#include <cstdlib>

#include "apps/runner/engine/engine.h"

int main(int argc, char** argv) { return argc == 4 ? dt::runner::spawner_main(std::atoi(argv[3])) : 2; }
