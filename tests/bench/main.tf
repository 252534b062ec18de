# Scones Unlimited as environments/local.yaml declares it, in Terraform, for `make bench` to measure beside scones on the same local cloud.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" {
  type        = string
  description = "The local cloud's gateway"
}

variable "package" {
  type        = string
  description = "A function package"
}

locals {
  name   = "tf-bench"
  bucket = "${local.name}-data"
  functions = {
    serialize-image-data    = { memory = 256, timeout = 10, environment = { RUST_LOG = "info" } }
    image-classification    = { memory = 256, timeout = 60, environment = { ENDPOINT = "${local.name}-classifier" } }
    filter-inference-result = { memory = 128, timeout = 5, environment = { THRESHOLD = "0.93" } }
  }
  roles = {
    serialize-image-data    = { service = "lambda", actions = ["s3:GetObject"] }
    image-classification    = { service = "lambda", actions = ["s3:GetObject", "sagemaker:InvokeEndpoint"] }
    filter-inference-result = { service = "lambda", actions = ["logs:PutLogEvents"] }
    workflow                = { service = "states", actions = ["lambda:InvokeFunction"] }
    sagemaker               = { service = "sagemaker", actions = ["s3:GetObject", "s3:PutObject"] }
    canary                  = { service = "scheduler", actions = ["states:StartExecution"] }
  }
  endpoint_dimensions = { EndpointName = "${local.name}-classifier", VariantName = "AllTraffic" }
  alarms = {
    classifier-errors        = { metric = ["AWS/SageMaker", "Invocation5XXErrors"], dimensions = local.endpoint_dimensions, threshold = 0 }
    classifier-latency       = { metric = ["AWS/SageMaker", "ModelLatency"], dimensions = local.endpoint_dimensions, threshold = 500000 }
    classifier-disk          = { metric = ["/aws/sagemaker/Endpoints", "DiskUtilization"], dimensions = local.endpoint_dimensions, threshold = 70 }
    serialize-errors         = { metric = ["AWS/Lambda", "Errors"], dimensions = { FunctionName = "${local.name}-serialize-image-data" }, threshold = 5 }
    classification-errors    = { metric = ["AWS/Lambda", "Errors"], dimensions = { FunctionName = "${local.name}-image-classification" }, threshold = 5 }
    classification-throttles = { metric = ["AWS/Lambda", "Throttles"], dimensions = { FunctionName = "${local.name}-image-classification" }, threshold = 0 }
    filter-duration          = { metric = ["AWS/Lambda", "Duration"], dimensions = { FunctionName = "${local.name}-filter-inference-result" }, threshold = 4000 }
    workflow-failed          = { metric = ["AWS/States", "ExecutionsFailed"], dimensions = { StateMachineArn = local.machine }, threshold = 0 }
    workflow-timed-out       = { metric = ["AWS/States", "ExecutionsTimedOut"], dimensions = { StateMachineArn = local.machine }, threshold = 0 }
  }
  called  = { SerializeImageData = "serialize-image-data", ImageClassification = "image-classification", FilterInferenceResult = "filter-inference-result" }
  machine = "arn:aws:states:us-east-1:123456789012:stateMachine:${local.name}-classify"
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 3

  endpoints {
    cloudwatch = var.endpoint
    iam        = var.endpoint
    lambda     = var.endpoint
    s3         = var.endpoint
    sagemaker  = var.endpoint
    sfn        = var.endpoint
    sns        = var.endpoint
    sts        = var.endpoint
  }

  default_tags {
    tags = { Environment = "bench" }
  }
}

resource "aws_s3_bucket" "data" {
  bucket        = local.bucket
  force_destroy = true
}

resource "aws_sns_topic" "alarms" {
  name = "${local.name}-alarms"
}

resource "aws_iam_role" "this" {
  for_each = local.roles
  name     = "${local.name}-${each.key}"
  path     = "/scones/bench/"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "${each.value.service}.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.roles
  name     = "scones"
  role     = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = each.value.actions, Resource = "*" }]
  })
}

resource "aws_lambda_function" "this" {
  for_each         = local.functions
  function_name    = "${local.name}-${each.key}"
  role             = aws_iam_role.this[each.key].arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = each.value.memory
  timeout          = each.value.timeout
  publish          = true

  environment {
    variables = each.value.environment
  }
}

resource "aws_lambda_alias" "live" {
  for_each         = local.functions
  name             = "live"
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version
}

resource "aws_sfn_state_machine" "classify" {
  name     = "${local.name}-classify"
  role_arn = aws_iam_role.this["workflow"].arn
  definition = jsonencode({
    StartAt = "SerializeImageData"
    States = merge({
      for state, next in { SerializeImageData = "ImageClassification", ImageClassification = "FilterInferenceResult", FilterInferenceResult = "Classified" } : state => {
        Type                                  = "Task"
        Resource                              = "arn:aws:states:::lambda:invoke"
        Parameters                            = { FunctionName = aws_lambda_alias.live[local.called[state]].arn, "Payload.$" = "$" }
        OutputPath                            = "$.Payload.body"
        Next                                  = next
      }
    }, { Classified = { Type = "Succeed" } })
  })
}

resource "aws_sagemaker_model" "classifier" {
  name               = "${local.name}-classifier"
  execution_role_arn = aws_iam_role.this["sagemaker"].arn

  primary_container {
    image          = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
    model_data_url = "s3://scones-local-models/classifier/model.tar.gz"
  }
}

resource "aws_sagemaker_endpoint_configuration" "classifier" {
  name = "${local.name}-classifier"

  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.classifier.name
    instance_type          = "ml.m5.xlarge"
    initial_instance_count = 1
  }

  data_capture_config {
    enable_capture              = true
    initial_sampling_percentage = 100
    destination_s3_uri          = "s3://${aws_s3_bucket.data.bucket}/capture"

    capture_options {
      capture_mode = "Input"
    }

    capture_options {
      capture_mode = "Output"
    }
  }
}

resource "aws_sagemaker_endpoint" "classifier" {
  name                 = "${local.name}-classifier"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.classifier.name
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${local.name}-${each.key}"
  namespace           = each.value.metric[0]
  metric_name         = each.value.metric[1]
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}
