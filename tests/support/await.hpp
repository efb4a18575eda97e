// Waiting for something that another thread or process does and that nothing announces.
#pragma once

#include <chrono>
#include <thread>

namespace penstock::test {

// Whether it came true within 10 s (a sanitizer on a busy machine is slow).
template <class Predicate>
bool await(Predicate is_true) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_true()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

}  // namespace penstock::test
