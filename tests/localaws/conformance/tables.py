"""All cases, service by service."""

from cases_ecr import ECR
from cases_functions import LAMBDA
from cases_machines import STATES
from cases_messages import MESSAGES
from cases_objects import S3
from cases_policies import IAM
from cases_rest import LOGS, REKOGNITION

TABLES = (S3, LAMBDA, STATES, REKOGNITION, IAM, ECR, LOGS, MESSAGES)
CASES = [case for table in TABLES for case in table.cases]
