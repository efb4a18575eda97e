// CHECK(x): a broken promise of our own code. Says the expression and the place and aborts, in
// every build: a pooler that goes on after an impossible state may hand one client's rows to
// another.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace penstock::api {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "penstock: CHECK(%s) failed at %s:%d\n", expression, file, line);
    std::abort();
}

}  // namespace penstock::api

#define CHECK(expression)                \
    ((expression) ? static_cast<void>(0) \
                  : ::penstock::api::check_failed(#expression, __FILE__, __LINE__))
