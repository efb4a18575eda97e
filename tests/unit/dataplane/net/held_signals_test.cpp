#include "dataplane/net/held_signals.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

volatile std::sig_atomic_t heard = 0;

TEST(HeldSignals, WhatCameMeanwhileIsHeardOnce) {
    hold_signals();
    std::raise(SIGHUP);  // would end this program
    const auto before = std::signal(SIGHUP, [](int) { heard = heard + 1; });
    EXPECT_EQ(heard, 0);
    let_signals();
    EXPECT_EQ(heard, 1);
    std::signal(SIGHUP, before);
}

}  // namespace
}  // namespace penstock::net
