#include "tests/kernel/harness.h"

int main(int argc, char** argv) { return dt::runner::testing::run_tests(argc, argv); }
