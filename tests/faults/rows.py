"""The faults that a webhook in the way of every pod must survive, and the tests that show that this one does.

A test of another folder counts as much as one of this. What they do not show is said plainly.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Covered:
    """The tests of a row, `folder/file.py::test` below tests/, and what of it they do not show."""

    tests: tuple[str, ...]
    lacking: str = ""


_TOLD = "faults/test_registries.py::test_a_fault_denies_nothing_and_a_warning_says_what_it_is"
_OVERCOME = "faults/test_registries.py::test_what_is_no_obstacle_to_nodes_is_none_here"
_SETTLED = "faults/test_deadlines.py::test_what_is_settled_keeps_its_verdict_and_the_rest_is_unavailable"
_APPLICATION = "wire/test_application.py"
_NOT_BUILT = "certificates that the webhook manages itself are not built yet"

ROWS: Mapping[str, Covered] = {
    "registry down": Covered(
        (
            _TOLD,
            "faults/test_patience.py::test_a_registry_that_dies_is_a_quick_warning_and_right_again_soon_after_it_is_back",
            "registry/test_patience.py::test_failures_in_a_row_make_a_place_sick",
            "wire/test_loop.py::test_a_socket_whose_connection_is_reset_closes_no_file_later",
            "cluster/inside/test_registry_outages.py::test_work_goes_on_with_a_warning_and_verdicts_come_back",
        )
    ),
    "registry hangs or drips": Covered((_TOLD, _OVERCOME, _SETTLED)),
    "5xx": Covered((_TOLD,)),
    "429": Covered((_TOLD, "faults/test_patience.py::test_who_asked_to_be_left_alone_is")),
    "HEAD unsupported": Covered(
        (_TOLD, _OVERCOME, "faults/test_registries.py::test_what_a_registry_says_itself_is_denied")
    ),
    "token server": Covered(
        (_TOLD, _OVERCOME, _SETTLED),
        "a fresh token that the registry takes for expired (its clock is wrong) ends as a refusal",
    ),
    "DNS": Covered(
        (
            _TOLD,
            "faults/test_names.py::test_a_name_that_leads_nowhere_denies_nothing_and_is_told",
            "faults/test_names.py::test_a_name_that_is_found_in_time_is_asked",
            "faults/test_names.py::test_beside_a_name_that_hangs_the_others_keep_their_verdict",
        )
    ),
    "TLS": Covered((_TOLD,)),
    "proxy": Covered(
        (
            _TOLD,
            "registry/test_proxies.py::test_no_proxy_is_read_as_go_reads_it",
            "registry/test_conversation.py::test_a_cache_is_no_authority",
            "registry/test_endpoints.py::test_mirrors_are_told_whose_image_is_wanted_and_are_not_the_registry",
        )
    ),
    "API server": Covered(
        (
            "faults/test_clusters.py::test_what_cannot_be_read_denies_nothing_and_is_told",
            "faults/test_clusters.py::test_reads_that_drip_are_over_soon",
            "faults/test_deadlines.py::test_a_cluster_that_hangs_leaves_time_to_ask_the_registries",
            "cluster/inside/test_outages.py::test_a_cluster_that_refuses_secrets_is_no_reason_to_deny",
        )
    ),
    "pull secret": Covered(
        (
            "faults/test_secrets.py::test_a_secret_counts_for_what_the_kubelet_makes_of_it",
            "truth/test_oracle.py::test_our_stages_answer_random_cases_as_the_kubelet_does",
        )
    ),
    "pull secret just after the pod": Covered(
        ("faults/test_secrets.py::test_a_secret_that_comes_or_is_mended_just_after_counts_at_once",)
    ),
    "SIGTERM": Covered(
        (
            "commands/test_serve.py::test_after_a_signal_it_is_not_ready_and_serves_on_for_the_delay",
            "commands/test_serve.py::test_a_review_in_flight_ends_in_its_answer",
            "cluster/inside/test_rollouts.py::test_nobody_notices_that_replicas_are_restarted_in_turn",
        )
    ),
    "SIGKILL": Covered(
        ("cluster/inside/test_rollouts.py::test_one_that_is_killed_costs_what_it_had_in_flight_and_a_moment",)
    ),
    "all replicas down": Covered(
        (
            "cluster/inside/test_outages.py::test_the_policy_says_whether_work_goes_on",
            "cluster/inside/test_modes.py::test_the_cluster_s_own_and_ours_are_left_alone_whatever_their_label",
            "manifests/test_webhooks.py::test_the_cluster_and_pullcheck_start_without_being_asked_about",
        )
    ),
    "certificate expired or rotated": Covered(
        (
            "commands/test_serve.py::test_a_certificate_that_is_not_valid_now_is_told_and_served",
            "commands/test_serve.py::test_the_end_of_the_certificate_is_a_metric",
        ),
        f"rotation under load: {_NOT_BUILT}",
    ),
    "clock skew": Covered(
        ("certs/test_main.py::test_the_leaf_begins_an_hour_ago_and_lives_the_days_asked_for", _TOLD, _OVERCOME),
        "jumps of the clock while it runs: no test sets the clock of a process",
    ),
    "caBundle wiped": Covered(
        ("cluster/inside/test_outages.py::test_the_policy_says_whether_work_goes_on",),
        f"nobody puts it back by itself: {_NOT_BUILT}",
    ),
    "memory pressure": Covered(
        (
            "abuse/test_abuses.py::test_real_reviews_are_answered_and_memory_is_bounded",
            "abuse/test_abuses.py::test_after_all_that_no_real_review_was_late_and_nothing_was_killed",
            f"{_APPLICATION}::test_all_bodies_together_have_a_limit_and_one_without_room_is_answered_as_too_large",
        )
    ),
    "few open files": Covered(
        (
            "faults/test_machine.py::test_with_few_open_files_all_are_answered_in_time_and_it_recovers",
            "wire/test_acceptor.py::test_few_files_mean_few_connections_and_everybody_is_served",
        )
    ),
    "disk full or read-only": Covered(("faults/test_machine.py::test_nothing_needs_to_be_written",)),
    "many reviews of one image": Covered(
        ("journeys/test_concurrency.py::test_a_thousand_reviews_of_one_new_image_cost_one_head_and_one_token",)
    ),
    "many reviews of distinct images": Covered(
        (
            _TOLD,
            "test_fairness.py::test_one_asker_leaves_room_for_the_others",
            "journeys/test_concurrency.py::test_a_thousand_reviews_of_a_thousand_images_are_all_answered_before_their_deadline",
        )
    ),
    "large objects": Covered(
        (
            "wire/test_application.py::test_a_body_up_to_the_limit_is_judged",
            "wire/test_application.py::test_a_larger_body_is_drained_and_answered_by_the_uid_in_its_head",
            "commands/test_serve.py::test_a_body_beyond_the_limit_is_allowed_with_a_warning_and_counted",
        )
    ),
    "500 containers": Covered(
        (
            "test_judging.py::test_of_an_object_with_any_number_of_images_so_many_are_checked_and_the_rest_is_counted",
            "abuse/test_abuses.py::test_real_reviews_are_answered_and_memory_is_bounded",
        )
    ),
    "malformed review": Covered(
        (
            "admission/test_review.py::test_what_is_no_review_is_refused_in_one_line_without_a_value",
            "admission/test_review.py::test_an_object_nested_too_deeply_is_a_review_that_cannot_be_understood",
            "wire/test_application.py::test_what_is_no_review_is_a_400_of_one_line_without_a_value",
        )
    ),
    "unknown version, kind or operation": Covered(
        (
            "admission/test_review.py::test_an_unknown_operation_is_still_a_review",
            "admission/test_early.py::test_kinds_without_a_pod_spec_are_allowed",
            "admission/test_early.py::test_other_operations_bring_no_image",
            "journeys/test_workloads.py::test_a_dry_run_is_judged_alike",
        )
    ),
    "event loop blocked": Covered(
        (
            "faults/test_machine.py::test_an_event_loop_that_stands_still_is_seen_by_the_kubelet_and_denies_nothing",
            "test_pipeline.py::test_long_reviews_are_read_one_after_the_other_and_leave_time_for_short_ones",
        )
    ),
    "client gone": Covered(
        (
            "test_judging.py::test_who_gives_up_takes_the_conversations_along",
            "test_flights.py::test_a_waiter_that_goes_leaves_the_others_their_answer",
            "wire/test_connections.py::test_a_storm_of_cancelled_requests_leaves_nothing_behind",
        )
    ),
    "log blocked": Covered(
        (
            "commands/test_serve.py::test_a_reader_of_the_log_that_stops_reading_stops_no_review",
            "wire/test_log.py::test_a_reader_that_stops_reading_costs_lines_and_never_time",
        )
    ),
}
