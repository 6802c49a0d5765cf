"""The GraphQL queries. One request returns a hundred pull requests with labels, reviews and checks."""

from __future__ import annotations

_CHECKS = """
fragment Checks on StatusCheckRollupContextConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    __typename
    ... on CheckRun { name conclusion }
    ... on StatusContext { context state }
  }
}
"""

# An issue has at most 100 labels. `binding` are the reviews of people who may merge: only these block a ticket.
TICKETS = (
    """
query Tickets($owner: String!, $name: String!, $after: String, $checks: Boolean!) {
  repository(owner: $owner, name: $name) {
    defaultBranchRef { name }
    pullRequests(states: OPEN, first: 100, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number title url body isDraft headRefOid headRefName baseRefName isCrossRepository reviewDecision
        author { login }
        milestone { title }
        labels(first: 100) { nodes { name } }
        reviews: latestOpinionatedReviews(first: 50) { nodes { state author { login } } }
        binding: latestOpinionatedReviews(first: 50, writersOnly: true) { nodes { state } }
        statusCheckRollup @include(if: $checks) { contexts(first: 100) { ...Checks } }
      }
    }
  }
}
"""
    + _CHECKS
)

MORE_CHECKS = (
    """
query MoreChecks($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      statusCheckRollup { contexts(first: 100, after: $after) { ...Checks } }
    }
  }
}
"""
    + _CHECKS
)

# `viewerDidAuthor` distinguishes our comment from a copy. It also works for the token of GitHub Actions, which cannot
# read its own user.
PRESENT = """
query Present(
  $owner: String!, $name: String!, $number: Int!, $after: String,
  $commit: GitObjectID, $tested: Boolean!, $context: String!
) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      headRefOid locked
      labels(first: 100) { nodes { name } }
      comments(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { fullDatabaseId viewerDidAuthor body }
      }
    }
    object(oid: $commit) @include(if: $tested) {
      ... on Commit { status { context(name: $context) { state description targetUrl } } }
    }
  }
}
"""

HEAD = """
query Head($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id state headRefOid } }
}
"""

ISSUES = """
query Issues($owner: String!, $name: String!, $label: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    issues(labels: [$label], first: 100, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes { number title body closed closedAt viewerDidAuthor }
    }
  }
}
"""

ISSUE = """
query Issue($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { issueOrPullRequest(number: $number) { ... on Closable { closed } } }
}
"""

CLOSE = """
mutation Close($id: ID!) {
  closePullRequest(input: {pullRequestId: $id}) { pullRequest { state } }
}
"""
