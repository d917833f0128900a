#!/usr/bin/env python3
"""Reckons a few published facts of a small cohort with pandas, independently.

    engagecast generate --customers 300 --seed 7 --out whole.csv
    python make.py whole.csv

writes customers.csv (one value in twelve taken away, at random, and all of
live_streams_watched_week) and expected.json: JSON pointers into the published
facts of customers.csv with the value each must have. `quantiles` are exact
ones, which the facts meet within their documented error. Without a file, the
customers stay as they are.
"""

import json
import sys

import numpy as np
import pandas as pd

if len(sys.argv) > 1:
    whole = pd.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
    rng = np.random.default_rng(20251021)
    gaps = rng.random(whole.shape) < 1 / 12
    gaps[:, whole.columns.get_loc("customer_id")] = False
    gaps[:, whole.columns.get_loc("live_streams_watched_week")] = True
    whole.mask(gaps, "").to_csv("customers.csv", index=False)

d = pd.read_csv("customers.csv", keep_default_na=False, na_values=[""])
for flag in ("is_creator", "churn_30_day"):
    d[flag] = d[flag].map(lambda x: {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}.get(str(x).lower(), np.nan))
premium = d.account_type.map({"Premium": 1.0, "Free": 0.0})
revenue = d.total_revenue_month_usd
both = d.platform_primary == "Both"
single = d.platform_primary.isin(["Social_Media", "Dating"])


def r(a, b):
    known = a.notna() & b.notna()
    return np.corrcoef(a[known], b[known])[0, 1]


expected = {"/customers": len(d)}
for column in (
    "engagement_score", "churn_30_day", "lifetime_value_usd", "stories_viewed_day", "followers_count",
    "match_rate_pct", "avg_transaction_value_usd", "is_creator", "swipes_right_day", "users_reported",
):
    expected[f"/columns/{column}/count"] = int(d[column].count())
    expected[f"/columns/{column}/mean"] = d[column].mean()
    expected[f"/columns/{column}/sd"] = d[column].std()
    expected[f"/columns/{column}/sum"] = d[column].sum()

expected["/executive/monthly_revenue_usd"] = revenue.sum()
expected["/executive/premium_pct"] = 100 * premium.mean()
expected["/revenue/arpu_usd"] = revenue.mean()
expected["/revenue/arppu_usd"] = revenue.mean() / premium.mean()
for i, part in enumerate(("monthly_subscription_usd", "iap_spending_month_usd", "ad_revenue_generated_month_usd")):
    expected[f"/revenue/parts/{i}/share_pct"] = 100 * d[part].mean() / revenue.mean()
for i, tier in enumerate(("Free", "Gold", "Platinum")):
    of = d[d.premium_tier == tier]
    expected[f"/revenue/tiers/{i}/customers"] = len(of)
    expected[f"/revenue/tiers/{i}/price_usd"] = of.monthly_subscription_usd.mean()
    expected[f"/revenue/tiers/{i}/churn_pct"] = 100 * of.churn_30_day.mean()
expected["/revenue/premium_engagement_r2"] = r(d.engagement_score, premium) ** 2

# A driver: the means of both groups, and their distance in pooled deviations.
a, b = (d.engagement_score[d.account_type == t].dropna() for t in ("Premium", "Free"))
pooled = np.sqrt(((len(a) - 1) * a.var() + (len(b) - 1) * b.var()) / (len(a) + len(b) - 2))
drivers = {"engagement_score": (a.mean() - b.mean()) / pooled}

# Revenue of those who stay; whoever leaves keeps nothing.
kept = revenue * (1 - d.churn_30_day)
for i, platform in enumerate(("Social_Media", "Dating", "Both")):
    of, at = kept[d.platform_primary == platform], f"/breakdowns/0/groups/{i}/figures/kept_month_usd"
    expected[f"{at}/count"] = int(of.count())
    expected[f"{at}/mean"] = of.mean()
    expected[f"{at}/sd"] = of.std()

expected["/retention/cross_platform/ltv_lift"] = d.lifetime_value_usd[both].mean() / d.lifetime_value_usd[single].mean()
at_risk = d[d.engagement_score < 0.3]
expected["/retention/at_risk/customers"] = len(at_risk)
expected["/retention/at_risk/share_pct"] = 100 * len(at_risk) / d.engagement_score.count()
expected["/retention/at_risk/churn_pct"] = 100 * at_risk.churn_30_day.mean()
expected["/retention/not_at_risk/arpu_usd"] = d[d.engagement_score >= 0.3].total_revenue_month_usd.mean()
days = d.days_since_last_active.dropna()
expected["/retention/dau_pct"] = 100 * (days == 0).mean()
expected["/retention/wau_pct"] = 100 * (days < 7).mean()
expected["/retention/engagement_churn_correlation"] = r(d.engagement_score, d.churn_30_day)

# Lifetime value by tenure band, the bands weighted as those of both platforms.
bands = pd.cut(d.tenure_months, [0, 3, 6, 12, 24, 1e9], right=False, labels=False)
ours = theirs = 0.0
for band in range(5):
    mine = d.lifetime_value_usd[both & (bands == band)].dropna()
    other = d.lifetime_value_usd[single & (bands == band)].dropna()
    if len(mine) and len(other):
        ours += mine.sum()
        theirs += len(mine) * other.mean()
expected["/retention/cross_platform/ltv_lift_same_tenure"] = ours / theirs

for i in range(5):
    of = d[bands == i]
    expected[f"/churn_by_tenure/{i}/customers"] = len(of)
    expected[f"/churn_by_tenure/{i}/churn_pct"] = 100 * of.churn_30_day.mean()

levels = pd.cut(d.engagement_score, [0, 0.3, 0.5, 2], right=False, labels=False)
for i, platform in enumerate(("Social_Media", "Dating", "Both")):
    for j in range(3):
        of = d[(d.platform_primary == platform) & (levels == j)]
        at = f"/platform_by_engagement/{3 * i + j}"
        expected[f"{at}/customers"] = len(of)
        expected[f"{at}/monthly_revenue_usd"] = of.total_revenue_month_usd.sum()
        expected[f"{at}/churn_pct"] = 100 * of.churn_30_day.mean()


def funnel(of):
    messages = of.messages_sent_day + of.messages_received_day
    talks = messages.notna() & of.avg_conversation_length.notna()
    return [
        30 * of.swipes_right_day.mean(),
        30 * of.matches_per_day.mean(),
        30 * messages[talks].sum() / of.avg_conversation_length[talks].sum(),
        of.dates_scheduled_month.mean(),
        of.dates_completed_month.mean(),
    ]


steps = funnel(d)
for i, step in enumerate(steps):
    expected[f"/funnel/0/steps/{i}/per_customer_month"] = step
    if i:
        expected[f"/funnel/0/steps/{i}/conversion_pct"] = 100 * step / steps[i - 1]
swipes_dating = 30 * d.swipes_right_day[d.platform_primary == "Dating"].mean()
expected["/funnel/2/steps/0/per_customer_month"] = swipes_dating

creators = d[d.is_creator == 1]
earned = creators.creator_earnings_month_usd.dropna()
expected["/creators/earnings_month_usd"] = earned.mean()
expected["/creators/earnings/count"] = len(earned)
pairs = creators[(creators.avg_views_per_post > 0) & (creators.creator_earnings_month_usd > 0)]
logs = np.log(pairs.avg_views_per_post), np.log(pairs.creator_earnings_month_usd)
expected["/creators/views_against_earnings/creators"] = len(pairs)
expected["/creators/views_against_earnings/correlation"] = r(pairs.avg_views_per_post, pairs.creator_earnings_month_usd)
# Logarithms are kept to a millionth.
near = {
    "/creators/views_against_earnings/log_correlation": r(*logs),
    "/creators/views_against_earnings/elasticity": np.polyfit(*logs, 1)[0],
}

some, none = d[d.super_likes_used_week >= 1], d[d.super_likes_used_week == 0]
expected["/dating/super_likes/users"] = len(some)
expected["/dating/super_likes/match_rate_users_pct"] = some.match_rate_pct.mean()
expected["/dating/super_likes/match_rate_others_pct"] = none.match_rate_pct.mean()
expected["/dating/safety/who_blocked_pct"] = 100 * (d.users_blocked.dropna() > 0).mean()
women, men = (d.match_rate_pct[d.gender == g].mean() for g in ("Female", "Male"))
expected["/dating/women_to_men_match_rate"] = women / men
expected["/dating/dates_kept_pct"] = 100 * d.dates_completed_month.mean() / d.dates_scheduled_month.mean()
expected["/dating/profile_quality_matches_correlation"] = r(d.profile_quality_score, d.matches_per_day)

value = np.sort(d.lifetime_value_usd.dropna().to_numpy())
n = len(value)
near["/revenue/ltv_distribution/gini"] = 2 * (value * np.arange(1, n + 1)).sum() / value.sum() / n - (n + 1) / n
near["/revenue/ltv_distribution/top_shares/2/share_pct"] = 100 * value[-round(0.1 * n):].sum() / value.sum()
quantiles = {
    f"/revenue/ltv_distribution/quantiles/{i}/value": value[int(np.ceil(q * n)) - 1]
    for i, q in enumerate((0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99))
}


def plain(values):
    return {at: int(x) if isinstance(x, (int, np.integer)) else float(x) for at, x in values.items()}


with open("expected.json", "w") as out:
    found = {"exact": plain(expected), "near": plain(near), "quantiles": plain(quantiles), "drivers": plain(drivers)}
    json.dump(found, out, indent=1)
    out.write("\n")
