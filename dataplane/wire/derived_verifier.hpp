// The verifier of a password that is stored in clear: its salt at once, its keys once they are
// asked for. Shared by all logins of a user and kept over reloads; any thread.
#pragma once

#include "dataplane/wire/scram.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace penstock::wire {

class DerivedVerifier {
 public:
    DerivedVerifier(std::string password, std::string salt, int iterations)
        : password_(std::move(password)), salt_(std::move(salt)), iterations_(iterations) {}
    ~DerivedVerifier() { delete made_.load(std::memory_order_acquire); }
    DerivedVerifier(const DerivedVerifier&) = delete;
    DerivedVerifier& operator=(const DerivedVerifier&) = delete;

    const std::string& salt() const { return salt_; }
    int iterations() const { return iterations_; }
    bool is_of(const std::string& password, const std::string& salt, int iterations) const {
        return password_ == password && salt_ == salt && iterations_ == iterations;
    }

    // Null until derive() has ended once. Holds as long as this.
    const ScramVerifier* ready() const { return made_.load(std::memory_order_acquire); }
    // Costs pbkdf2_sha_256 unless it is ready.
    const ScramVerifier& derive() const;

 private:
    const std::string password_;
    const std::string salt_;
    const int iterations_;
    mutable std::atomic<const ScramVerifier*> made_{nullptr};
};

}  // namespace penstock::wire
