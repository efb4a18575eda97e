// The system's source of random bytes. Any thread.
#pragma once

#include "dataplane/proxy/random_source.hpp"

namespace penstock::net {

class SystemRandom : public proxy::RandomSource {
 public:
    void fill(char* out, std::size_t size) override;
};

}  // namespace penstock::net
