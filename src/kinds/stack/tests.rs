//! What can be said of stacks without CloudFormation.
