#include "dataplane/net/mailbox.hpp"

#include "crds/api/check.hpp"

#include <cstdint>

#include <sys/eventfd.h>

namespace penstock::net {

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(fd_.is_set()); }

void Mailbox::add(std::unique_ptr<Letter> letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    if (letters_.size() > 1) return;  // it is told already
    const std::uint64_t one = 1;
    CHECK(::write(fd_.get(), &one, sizeof one) == sizeof one);
}

void Mailbox::run() {
    std::vector<std::unique_ptr<Letter>> letters;
    {
        const std::lock_guard lock(mutex_);
        std::uint64_t count = 0;
        // Nothing to read: told of letters that an earlier call has run.
        if (::read(fd_.get(), &count, sizeof count) < 0) return;
        letters.swap(letters_);
    }
    for (const auto& letter : letters) letter->run();
}

}  // namespace penstock::net
