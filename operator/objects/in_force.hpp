// Whether an object of the cluster already says what is wanted of it.
#pragma once

#include "crds/api/document.hpp"

#include <string>

namespace penstock::objects {

// Every value of `wanted` stands in `live`, which may say more: defaults, status, fields of others.
// Lists must be of one length and agree item by item.
bool is_in_force(const api::Document& wanted, const api::Document& live);

// The first place where they differ ("spec.replicas"), for people; empty when it is in force.
std::string first_difference(const api::Document& wanted, const api::Document& live);

}  // namespace penstock::objects
