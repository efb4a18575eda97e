// Where nonces, salts and cancel keys come from. The shell's is the system's; tests have a seeded
// one, so that a run can be repeated. Drawn from at logins, never for a message.
#pragma once

#include <cstddef>

namespace penstock::proxy {

class RandomSource {
 public:
    virtual ~RandomSource() = default;
    virtual void fill(char* out, std::size_t size) = 0;
};

}  // namespace penstock::proxy
