// Which grant is in force: takes newer ones, refuses others, and puts the numbers on the Board.
// Until the first grant the configuration's numbers count. The control thread only.
#pragma once

#include "crds/api/dataplane_config.hpp"
#include "crds/api/grant.hpp"
#include "dataplane/pool/board.hpp"

#include <optional>

namespace penstock::net {

class GrantDesk {
 public:
    // Puts the configuration's numbers on the board. The board must outlive this.
    GrantDesk(pool::Board& board, const api::DataplaneConfig& document);

    // False: not newer than the one in force; nothing changes.
    bool take(const api::Grant& grant);
    // Another configuration: counts as far as no grant says otherwise.
    void configure(const api::DataplaneConfig& document);

    // Of the grant in force; 0 before the first.
    std::uint64_t epoch() const { return grant_ ? grant_->epoch : 0; }
    std::uint64_t sequence() const { return grant_ ? grant_->sequence : 0; }
    std::int32_t server_connections() const;
    // The grant in force; nothing before the first.
    const std::optional<api::Grant>& grant() const { return grant_; }

 private:
    void publish();

    pool::Board& board_;
    std::int32_t floor_ = 0;
    std::optional<api::Queue> queue_;
    std::optional<api::Grant> grant_;
};

}  // namespace penstock::net
