// Random bytes that a seed repeats.
#pragma once

#include "dataplane/proxy/random_source.hpp"

#include <cstdint>
#include <random>

namespace penstock::test {

class SeededRandom : public proxy::RandomSource {
 public:
    explicit SeededRandom(std::uint64_t seed) : random_(seed) {}
    void fill(char* out, std::size_t size) override {
        for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(random_());
    }

 private:
    std::mt19937_64 random_;
};

}  // namespace penstock::test
