#include "dataplane/net/system_random.hpp"

#include "crds/api/check.hpp"

#include <algorithm>

#include <sys/random.h>

namespace penstock::net {

void SystemRandom::fill(char* out, std::size_t size) {
    constexpr std::size_t at_once = 256;  // so many a signal does not interrupt
    while (size > 0) {
        const ssize_t got = ::getrandom(out, std::min(size, at_once), 0);
        CHECK(got > 0);
        out += got;
        size -= static_cast<std::size_t>(got);
    }
}

}  // namespace penstock::net
